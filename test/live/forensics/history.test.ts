/** Packets that tcpdump captured, named afterwards by what a recorder stored of sockets at that time. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { killChildren } from '../../support/child.ts';
import { deviations } from '../../support/deviations.ts';
import { makeKnownTraffic } from '../../support/known-traffic.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { startRecording, temporaryDatabase } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { readFlows } from '../../support/stored-flows.ts';
import { startTcpdump, tcpdumpMissing } from '../../support/tcpdump.ts';

describe('pcapid read --owners', { skip: netnsMissing() || tcpdumpMissing() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-history-'));
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
    rmSync(folder, { recursive: true });
  });

  test('names both ends of known traffic in a file of tcpdump', async () => {
    const netns = lab.create();
    const file = join(folder, 'lo.pcap');
    const recording = await startRecording([], { netns });
    const tcpdump = await startTcpdump(netns, 'lo', file);
    const truth = await makeKnownTraffic({ clients: netns, servers: netns, v4: '127.0.0.1', v6: '::1' });
    await tcpdump.stop();
    await recording.stop();
    const database = temporaryDatabase();
    const { code, err } = await runPcapid(['read', file, '--db', database, '--owners', recording.database]);
    assert.equal(code, 0, err);
    assert.doesNotMatch(err, /history/);
    assert.deepEqual(deviations(database, truth, 'both'), []);
    const named = readFlows(database).flatMap(({ src, dst }) => [src, dst].filter(({ pid }) => pid !== null));
    assert.deepEqual([...new Set(named.map(({ source }) => source))], ['history']);
  });

  test('says when the history is of another time, and names nobody then', async () => {
    const netns = lab.create();
    const recording = await startRecording([], { netns });
    netns.exec('ping', '-c', '1', '127.0.0.1');
    await recording.stop();
    const { code, out, err } = await runPcapid(['read', 'captures/demo.pcap', '--owners', recording.database]);
    assert.equal(code, 0);
    assert.match(err, /the capture is from 2026-\S+ .* to .*, the history from .*: what lies outside has no owners/);
    assert.doesNotMatch(out, /\[\d+\]/);
  });
});
