/** Captures of other programs, annotated afterwards by what `record --sockets-only` stored meanwhile. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bpfMissing } from '../../support/bpf-probe.ts';
import { CAPTURERS, capturersMissing, startCapturer } from '../../support/capturers.ts';
import { killChildren } from '../../support/child.ts';
import { deviations } from '../../support/deviations.ts';
import { makeKnownTraffic, type TrueFlow } from '../../support/known-traffic.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { startRecording } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { readFlows } from '../../support/stored-flows.ts';

/** What is in the kernel's ring is read until then: dumpcap waits for a full block, or a quarter of a second. */
const FLUSH_MS = 1500;

describe('pcapid annotate --owners', { skip: netnsMissing() || capturersMissing() || bpfMissing() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-others-'));
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
    rmSync(folder, { recursive: true });
  });

  test('names both ends of known traffic in captures of tcpdump, dumpcap and tshark', async (t) => {
    const netns = lab.create();
    const fileOf = (index: number): string => join(folder, `${index}.capture`);
    const recording = await startRecording(['-q', '--sockets-only'], { netns });
    const stops: (() => Promise<void>)[] = [];
    for (const [i, capturer] of CAPTURERS.entries()) stops.push(await startCapturer(netns, capturer, fileOf(i)));
    let truth: readonly TrueFlow[] = [];
    try {
      truth = await makeKnownTraffic({ clients: netns, servers: netns, v4: '127.0.0.1', v6: '::1' });
      await sleep(FLUSH_MS);
    } finally {
      for (const stop of stops) await stop(); // by a signal that tshark passes on to its dumpcap
    }
    await recording.stop();
    for (const [i, { name }] of CAPTURERS.entries()) {
      await t.test(name, async () => {
        const owners = ['--owners', recording.database];
        const read = `${fileOf(i)}.db`;
        const { code, err } = await runPcapid(['read', fileOf(i), '--db', read, ...owners]);
        assert.equal(code, 0, err);
        assert.doesNotMatch(err, /clock|another host|history from/);
        assert.deepEqual(deviations(read, truth, 'both'), []);
        const [named, reread] = [`${fileOf(i)}.named`, `${fileOf(i)}.named.db`];
        const annotated = await runPcapid(['annotate', fileOf(i), named, ...owners]);
        assert.equal(annotated.code, 0, annotated.err);
        await runPcapid(['read', named, '--db', reread]);
        assert.deepEqual(pidsOf(reread), pidsOf(read), 'the file alone tells it');
      });
    }
  });
});

/** Who is at both ends of each flow. */
const pidsOf = (database: string): readonly string[] =>
  readFlows(database)
    .map(({ protocol, src, dst }) => {
      const [from, to] = [src, dst].map(
        ({ address, port, pid, startTicks }) => `${address} ${port} ${pid} ${startTicks}`,
      );
      return `${protocol} ${from} ${to}`;
    })
    .sort();
