import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { Captured } from '../../../src/store/rollup-tables.ts';
import { killChildren } from '../../support/child.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { startRecording } from '../../support/recording.ts';
import { brokenRules } from '../../support/rollups.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { startSteadyTraffic } from '../../support/steady-traffic.ts';
import { query, readCapture, readFlows } from '../../support/stored-flows.ts';
import { waitFor } from '../../support/wait.ts';

const SECOND_US = 1_000_000;
const nowUs = (): number => Date.now() * 1000;

/** Octets 18 and 19 of the file say who may write it: 1 rollback journal, 2 WAL. */
const isPlainFile = (database: string): boolean => readFileSync(database).readUInt16BE(18) === 0x0101;

/** All flows, and what was captured by minute, hour and day: attributed or not, without what is counted beside. */
const SUMS = [
  'SELECT sum(orig_packets + reply_packets) AS packets, sum(orig_ip_bytes + reply_ip_bytes) AS bytes FROM flow',
  ...['minute', 'hour', 'day'].map(
    (level) => `SELECT sum(packets), sum(ip_bytes) FROM captured_${level} WHERE kind < ${Captured.Beside}`,
  ),
].join(' UNION ALL ');

describe('a pcapid record that ends', { skip: netnsMissing() }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  test('by SIGKILL leaves a whole database up to the last tick, which the next one takes over', async () => {
    const netns = lab.create();
    const recording = await startRecording(['-i', 'lo'], { netns });
    const traffic = await startSteadyTraffic(netns);
    const beganUs = nowUs();
    await waitFor(() => nowUs() > beganUs + 9 * SECOND_US, 12_000, 'nine seconds of traffic');
    await recording.nextTick();
    const killedUs = nowUs();
    await recording.child.stop('SIGKILL');
    const { database } = recording;

    assert.deepEqual(query(database, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
    const flows = readFlows(database);
    const ports = new Set(flows.map(({ src }) => src.port));
    const missing = traffic.newBefore(killedUs - 3 * SECOND_US).filter((port) => !ports.has(port));
    assert.deepEqual(missing, [], 'short flows that began more than a tick before');
    const long = Math.max(...flows.map(({ origPackets }) => origPackets));
    const sent = traffic.longBefore(killedUs - 7 * SECOND_US);
    assert.ok(sent > 100 && long >= sent, `${long} packets of the long flow are stored, ${sent} were sent 7 s before`);
    assert.ok(flows.some(({ endReason }) => endReason === null));

    const next = await runPcapid(['record', '--db', database, '-i', 'lo', '--for', '3s'], { netns });
    await traffic.child.stop('SIGTERM');
    assert.equal(next.code, 0, next.err);
    const [first, second] = query(database, 'SELECT forced, ended_us, last_us FROM capture ORDER BY id');
    assert.deepEqual([first?.forced, first?.ended_us], [1, first?.last_us]);
    assert.deepEqual([second?.forced, typeof second?.ended_us], [0, 'number']);
    assert.deepEqual(
      readFlows(database).filter(({ endReason }) => endReason === null),
      [],
    );
    assert.ok(isPlainFile(database));

    assert.deepEqual(brokenRules(database, false), [], 'counters are flows are what was captured, across both');
    const sums = query(database, SUMS);
    assert.ok(sums.every(({ packets }) => Number(packets) > sent));
    assert.deepEqual(
      new Set(sums.map(({ packets, bytes }) => `${packets} packets, ${bytes} octets`)).size,
      1,
      `${JSON.stringify(sums)}`,
    );
    const inSecond = query(database, 'SELECT sum(orig_packets) AS packets FROM flow WHERE capture = 2')[0]?.packets;
    assert.ok(Number(inSecond) > 100, `${inSecond} packets after the restart`);
  });

  test('a second recorder on the same database is refused while the first lives', async () => {
    const netns = lab.create();
    const recording = await startRecording(['-i', 'lo'], { netns });
    const other = await runPcapid(['record', '--db', recording.database, '-i', 'lo'], { netns });
    assert.equal(other.code, 2, other.err);
    assert.match(other.err, new RegExp(`process ${recording.child.pid} has been recording into ${recording.database}`));
    assert.doesNotMatch(other.err, /^ +at /m, 'a stack');
    await recording.nextTick();
    await recording.stop();
    assert.equal(readCapture(recording.database).forced, 0);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`by ${signal} stores everything and prints its summary within two seconds`, async () => {
      const netns = lab.create();
      const recording = await startRecording(['-i', 'lo'], { netns });
      const traffic = await startSteadyTraffic(netns);
      await waitFor(() => traffic.longBefore(Infinity) > 200, 10_000, '200 packets');
      await traffic.child.stop('SIGTERM');
      const stoppedMs = performance.now();
      const { code, err } = await recording.child.stop(signal);
      const tookMs = performance.now() - stoppedMs;
      assert.equal(code, 0, err);
      assert.ok(tookMs < 2000, `${tookMs} ms`);
      const packets = traffic.longBefore(Infinity) + traffic.newBefore(Infinity).length;
      assert.match(err, new RegExp(`^${packets} packets, 0 dropped by the kernel`, 'm'));
      assert.match(err, /^attributed [\d.]+ % of flows, [\d.]+ % of bytes$/m);
      assert.match(err, /^[\d.]+ s of CPU, .* of memory at most$/m);
      assert.ok(isPlainFile(recording.database));
      const open = readFlows(recording.database).filter(({ endReason }) => endReason === null);
      assert.deepEqual(open, []);
    });
  }
});
