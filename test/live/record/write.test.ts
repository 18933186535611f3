/** record -w: the packets that tcpdump saw, with the owners that the database has. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { killChildren } from '../../support/child.ts';
import { deviations } from '../../support/deviations.ts';
import { makeKnownTraffic } from '../../support/known-traffic.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { startRecording, temporaryDatabase } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { query, readFlows, type StoredEnd } from '../../support/stored-flows.ts';
import { startTcpdump, tcpdumpMissing } from '../../support/tcpdump.ts';

/** Fails when tshark complains. */
function frames(path: string, ...words: string[]): string[] {
  const fields = ['-T', 'fields', '-e', 'ip.id', '-e', 'frame.len', '-e', 'tcp.seq_raw', '-e', 'udp.port'];
  const args = ['-n', '-r', path, ...fields, ...words];
  const text = execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return text.split('\n').slice(0, -1);
}

const SENDER = ['ip.src', 'ipv6.src', 'ip.dst', 'ipv6.dst', 'tcp.srcport', 'tcp.dstport', 'udp.srcport', 'udp.dstport'];

/** Frames of one sender to one receiver together, in their order: of two processors each tap takes its turn as it comes. */
function framesOfSenders(path: string): string[] {
  const sender = (line: string): string => line.split('\t').slice(-SENDER.length).join(' ');
  return frames(path, ...SENDER.flatMap((field) => ['-e', field])).sort((a, b) =>
    sender(a) < sender(b) ? -1 : +(sender(a) > sender(b)),
  );
}

/** Flows in the order of their tuples, with who was named at both ends. */
function owners(database: string): string[] {
  const end = ({ address, port, pid, startTicks }: StoredEnd): string => `${address} ${port} ${pid} ${startTicks}`;
  return readFlows(database)
    .map(({ protocol, src, dst, origPackets }) => `${protocol} ${end(src)} > ${end(dst)}, ${origPackets}`)
    .sort();
}

describe('pcapid record -w', { skip: netnsMissing() || tcpdumpMissing() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-write-'));
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
    rmSync(folder, { recursive: true });
  });

  test('has the packets of tcpdump, of each sender in their order, and reading it names who the recording named', async () => {
    const netns = lab.create();
    const [ours, theirs] = [join(folder, 'ours.pcapng'), join(folder, 'theirs.pcap')];
    const recording = await startRecording(['-i', 'lo', '-w', ours, '-s', '1024'], { netns });
    const tcpdump = await startTcpdump(netns, 'lo', theirs);
    const truth = await makeKnownTraffic({ clients: netns, servers: netns, v4: '127.0.0.1', v6: '::1' });
    await tcpdump.stop();
    const { err } = await recording.stop();
    assert.match(err, /\d+ packets written to .*ours\.pcapng, .* tell the owners of their flows/);
    assert.doesNotMatch(err, /not written/);
    assert.deepEqual(framesOfSenders(ours), framesOfSenders(theirs));
    const database = temporaryDatabase();
    const { code } = await runPcapid(['read', ours, '--db', database]);
    assert.equal(code, 0);
    assert.deepEqual(owners(database), owners(recording.database));
    assert.deepEqual(deviations(recording.database, truth, 'both'), []);
  });

  test('loses no tick while the first file is being opened', async () => {
    const netns = lab.create();
    const slow = join(folder, 'slow.cjs'); // runs before each thread; that of packets begins late
    writeFileSync(
      slow,
      `if (require('node:worker_threads').workerData?.files) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);`,
    );
    const words = ['-i', 'lo', '-w', join(folder, 'late.pcapng')];
    const recording = await startRecording(words, { netns, env: { NODE_OPTIONS: `--require ${slow}` } });
    await recording.stop();
    const clocks = 'SELECT count(*) AS clocks FROM clock JOIN capture USING (boot)';
    assert.deepEqual(query(recording.database, clocks), [{ clocks: 1 }]);
  });

  test('leaves a file without damage when it is killed', async () => {
    const netns = lab.create();
    const path = join(folder, 'killed.pcapng');
    const recording = await startRecording(['-w', path], { netns });
    netns.exec('ping', '-c', '3', '-i', '0.1', '127.0.0.1');
    await recording.nextTick();
    await recording.nextTick();
    await recording.nextTick();
    await recording.child.stop('SIGKILL');
    assert.equal(frames(path, '-Y', 'icmp').length, 6);
    const { err, out } = await runPcapid(['read', path]);
    assert.doesNotMatch(err, /damage|cut/);
    assert.match(out, /ping\[\d+\]/);
  });

  test('begins other files and deletes the oldest, each of them whole', async () => {
    const netns = lab.create();
    const args = ['-w', join(folder, 'part.pcapng'), '-C', '64KiB', '-W', '2'];
    const recording = await startRecording(args, { netns });
    netns.exec('ping', '-c', '200', '-i', '0.002', '-s', '1400', '127.0.0.1');
    const { err } = await recording.stop();
    const packets = Number(/(\d+) packets written/.exec(err)![1]);
    assert.ok(packets >= 400);
    const parts = readdirSync(folder).filter((name) => name.startsWith('part'));
    assert.equal(parts.length, 2);
    const sql = "SELECT path, sha256 FROM provenance WHERE use = 'output'";
    const noted = new Map(query(recording.database, sql).map((row) => [row.path, row.sha256]));
    assert.ok(noted.size > 2, 'those that were deleted, too');
    for (const name of parts) {
      const path = join(folder, name);
      assert.equal(noted.get(path), createHash('sha256').update(readFileSync(path)).digest('hex'));
      assert.ok(frames(path).length > 0);
      assert.match(frames(path, '-e', 'frame.comment')[0]!, /src\.comm=ping/);
    }
  });

  test('refuses a file that exists before anything is made', async () => {
    const path = join(folder, 'ours.pcapng');
    const database = temporaryDatabase();
    const { code, err } = await runPcapid(['record', '--db', database, '-w', path, '--for', '1s']);
    assert.equal(code, 2);
    assert.match(err, /ours\.pcapng exists\n.*--force/);
    assert.equal(existsSync(database), false);
  });
});
