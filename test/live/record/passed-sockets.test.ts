import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { killChildren } from '../../support/child.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { processOf, type Sent, sendOddTraffic } from '../../support/odd-traffic.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { startRecording, temporaryDatabase } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { query, readFlows, type StoredFlow } from '../../support/stored-flows.ts';

const HEADERS = 52; // octets of IPv4 and TCP with time stamps
const MORE_OF_SYN = 8;

/** Octets of payload in the original direction. */
function payloadOf(flow: StoredFlow, isFirst: boolean): number {
  return flow.origIpBytes - flow.origPackets * HEADERS - (isFirst ? MORE_OF_SYN : 0);
}

/** Who has how many packets of each flow. A packet with octets of both is split by a recording, not by who reads it. */
const partsOf = (database: string): readonly unknown[] =>
  readFlows(database)
    .map(({ src, dst, origPackets, replyPackets }) => [
      ...[src, dst].map(({ port, pid, startTicks }) => `${port} ${pid} ${startTicks}`),
      ...[origPackets, replyPackets],
    ])
    .sort();

/** Who writes when the first one's octets have arrived, and while they wait for a server that does not read yet. */
const TURNS: readonly (readonly string[])[] = [
  ['10000', '--hold', '0.3'],
  ['200000', '--hold', '0.3'],
  ['200000', '--hold', '0'],
  ['200000', '--hold', '0', '--delay', '0.3'],
  ['600000', '--hold', '0', '--delay', '0.3'],
];

describe('pcapid record and a connection that is passed on', { skip: netnsMissing() || realRootMissing() }, () => {
  const lab = new NetnsLab();
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-passed-'));
  after(() => {
    killChildren();
    lab.close();
    rmSync(folder, { recursive: true });
  });

  for (const turn of TURNS)
    test(`gives each process the octets that it wrote: ${turn.join(' ')}`, async () => {
      const netns = lab.create();
      const written = join(folder, `${turn.join('')}.pcapng`);
      const recording = await startRecording(['-i', 'lo', '-w', written], { netns });
      const { child, sent } = await sendOddTraffic(['passed-later', ...turn], netns, { lines: 3 });
      await recording.nextTick();
      await child.stop('SIGTERM');
      const finished = await recording.stop();
      const by = (wanted: string): Sent => sent.find(({ role }) => role === wanted)!;
      const [first, second, server] = [by('first'), by('second'), by('server')];
      const flows = readFlows(recording.database).filter(({ src }) => src.port === first.local![1]);
      const owners = flows.map(({ src }) => ({ pid: src.pid, startTicks: src.startTicks }));
      assert.deepEqual(owners, [first, second].map(processOf));
      assert.deepEqual([...new Set(flows.map(({ dst }) => dst.pid))], [server.pid]);
      const [before = 0, after = 0] = flows.map((flow, i) => payloadOf(flow, i === 0));
      const again = second.retransmitted!; // of either, counted where it was seen
      assert.equal(before + after, first.octets! + second.octets! + again, finished.err);
      assert.ok(before >= first.octets! && after >= second.octets!, `${before} and ${after}, ${again} of them again`);

      const sql = `SELECT p.pid, h.from_us, h.to_us FROM holder h JOIN process p ON p.id = h.process
      JOIN role r ON r.id = h.role JOIN socket s ON s.id = h.socket
      WHERE r.token = 'actor' AND s.local_port = ${first.local![1]} ORDER BY h.from_us`;
      const [earlier, later, ...others] = query(recording.database, sql);
      assert.deepEqual(others, []);
      assert.deepEqual([earlier?.pid, later?.pid], [first.pid, second.pid]);
      assert.ok(Number(earlier?.to_us) <= Number(later?.from_us), 'the intervals overlap');
      assert.ok(Number(later?.from_us) >= first.at_us, 'the second interval begins before the socket was passed');

      const database = temporaryDatabase();
      assert.equal((await runPcapid(['read', written, '--db', database])).code, 0);
      assert.deepEqual(partsOf(database), partsOf(recording.database), 'what was written is read otherwise');
    });
});
