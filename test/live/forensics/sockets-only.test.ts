/** What `record --sockets-only` stores, held against the sockets that a workload says it had. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { bpfMissing } from '../../support/bpf-probe.ts';
import { killChildren } from '../../support/child.ts';
import { type PairScore, scorePairs } from '../../support/named-pairs.ts';
import { netnsMissing } from '../../support/netns.ts';
import { startRecording } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { query } from '../../support/stored-flows.ts';
import { HERE, startTcpdump, tcpdumpMissing } from '../../support/tcpdump.ts';
import { readTruth, type TrueEnd } from '../../support/true-ends.ts';
import { LOAD_FILTER, Stage } from '../../support/true-workload.ts';

const LOAD = { repeat: 30, gapUs: 2000, storm: 0 };
/** Each time by a process of its own, from the same port to the same server: over TCP, and over UDP. */
const AGAIN = { repeat: 1000, gapUs: 0, storm: 0, scenarios: 'port again' };
/** Sockets of the workload, in every namespace: those of others come and go between two recorders. */
const SOCKETS = `SELECT s.cookie, s.protocol, l.text AS local, s.local_port, r.text AS remote, s.remote_port, p.pid, p.start_ticks
  FROM socket s JOIN address l ON l.id = s.local_address JOIN address r ON r.id = s.remote_address
  LEFT JOIN process p ON p.id = s.process
  WHERE s.local_port BETWEEN 17000 AND 17999 OR s.remote_port BETWEEN 17000 AND 17999`;

const storedSockets = (database: string): readonly string[] =>
  query(database, SOCKETS)
    .map((row) => Object.values(row).join(' '))
    .sort();

describe('record --sockets-only', { skip: netnsMissing() || tcpdumpMissing() || bpfMissing() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-sockets-only-'));
  const stage = new Stage();
  after(() => {
    killChildren();
    stage.close();
    rmSync(folder, { recursive: true });
  });

  test('names the packets of tcpdump on lo and on a veth, of every kind of ownership', async () => {
    const log = join(folder, 'truth');
    const go = await stage.startWorkload(log, LOAD);
    const recording = await startRecording(['-q', '--sockets-only']);
    const devices = ['lo', stage.device];
    const files = devices.map((device) => join(folder, `${device}.pcap`));
    const captures = await Promise.all(devices.map((device, i) => startTcpdump(HERE, device, files[i]!, LOAD_FILTER)));
    await go();
    for (const capture of captures) await capture.stop();
    await recording.stop();
    const truth = readTruth(log);
    for (const file of files) {
      const { pairs, named: right, wrong, missing } = await annotateAndScore(file, recording.database, truth);
      assert.equal(wrong.length, 0, `${wrong.length} of ${pairs}: ${wrong.slice(0, 5).join('\n')}`);
      assert.ok(right >= pairs * 0.999, `${right} of ${pairs}: ${missing.slice(0, 5).join('\n')}`);
      assert.ok(pairs > 1000, `${pairs} pairs`);
    }
  });

  test('tells a thousand processes apart that used one tuple after the other, as a recording with packets does', async () => {
    const log = join(folder, 'again');
    const go = await stage.startWorkload(log, AGAIN);
    const [sockets, packets] = await Promise.all([
      startRecording(['-q', '--sockets-only']),
      startRecording(['-q', '-i', 'lo', ...LOAD_FILTER.split(' ')]),
    ]);
    const file = join(folder, 'again.pcap');
    const capture = await startTcpdump(HERE, 'lo', file, LOAD_FILTER);
    await go();
    await capture.stop();
    await Promise.all([sockets.stop(), packets.stop()]);
    const truth = readTruth(log);
    const { pairs, named, wrong, missing } = await annotateAndScore(file, sockets.database, truth);
    assert.deepEqual([wrong.slice(0, 5), missing.slice(0, 5), named], [[], [], pairs]);
    const clients = truth.filter(({ side }) => side === 'client');
    assert.ok(new Set(clients.map(({ pid, start_ticks }) => `${pid} ${start_ticks}`)).size >= 2000);
    assert.equal(new Set(clients.map(({ local, remote }) => `${local} ${remote}`)).size, 2);
    assert.deepEqual(storedSockets(sockets.database), storedSockets(packets.database));
  });

  async function annotateAndScore(file: string, database: string, truth: readonly TrueEnd[]): Promise<PairScore> {
    const named = `${file}ng`;
    const { code, err } = await runPcapid(['annotate', file, named, '--every-packet', '--owners', database]);
    assert.equal(code, 0, err);
    assert.doesNotMatch(err, /clock|another host/);
    return scorePairs(named, truth);
  }
});
