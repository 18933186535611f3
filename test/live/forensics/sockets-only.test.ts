/** What `record --sockets-only` stores, held against the sockets that a workload says it had. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { bpfMissing } from '../../support/bpf-probe.ts';
import { killChildren } from '../../support/child.ts';
import { scorePairs } from '../../support/named-pairs.ts';
import { netnsMissing } from '../../support/netns.ts';
import { startRecording } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { HERE, startTcpdump, tcpdumpMissing } from '../../support/tcpdump.ts';
import { readTruth } from '../../support/true-ends.ts';
import { LOAD_FILTER, Stage } from '../../support/true-workload.ts';

const LOAD = { repeat: 30, gapUs: 2000, storm: 0 };

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
      const named = `${file}ng`;
      const words = ['annotate', file, named, '--every-packet', '--owners', recording.database];
      const { code, err } = await runPcapid(words);
      assert.equal(code, 0, err);
      const { pairs, named: right, wrong, missing } = scorePairs(named, truth);
      assert.equal(wrong.length, 0, `${wrong.length} of ${pairs}: ${wrong.slice(0, 5).join('\n')}`);
      assert.ok(right >= pairs * 0.999, `${right} of ${pairs}: ${missing.slice(0, 5).join('\n')}`);
      assert.ok(pairs > 1000, `${pairs} pairs`);
    }
  });
});
