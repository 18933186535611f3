/** A capture split by its owners: every packet is in a file, and no name leads out of the folder. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { FileNames, type SplitBy } from '../../../../src/app/annotate/owner-groups.ts';
import { splitFile } from '../../../../src/app/annotate/split.ts';
import { parseFacts } from '../../../../src/app/read/fact-file.ts';
import type { FactsMessage } from '../../../../src/app/record/messages.ts';
import { UserError } from '../../../../src/core/errors.ts';
import { formatOwnerComment } from '../../../../src/pcap/owner-comment.ts';
import { recordsOf } from '../../../support/file-records.ts';
import { HOSTILE_TEXTS } from '../../../support/hostile.ts';
import { ethernet, ipv4, ipv6, udp } from '../../../support/packets.ts';
import { enhancedPacket, interfaceBlock, pcapng, section, text } from '../../../support/pcapng-file.ts';
import { capinfosPackets } from '../../../support/tshark-pairs.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-split-'));
after(() => rmSync(folder, { recursive: true }));

const PORTS = { src: 1000, dst: 53 };
let folders = 0;

async function run(input: string, by: SplitBy, more: { facts?: readonly FactsMessage[]; force?: boolean } = {}) {
  const to = join(folder, `out-${++folders}`);
  return { to, done: await splitInto(to, input, by, more) };
}

function splitInto(
  to: string,
  input: string,
  by: SplitBy,
  { facts = [], force = false }: { facts?: readonly FactsMessage[]; force?: boolean } = {},
) {
  const rest = { userName: () => null, version: '1', command: 'split', onProgress: () => {} };
  return splitFile({ input, by, folder: to, force, facts, ...rest });
}

/** Datagrams of as many flows as there are names, two of each; the first one names its sender. */
function captureOf(names: readonly string[]): string {
  const packets = names.flatMap((comm, i) => {
    const ports = { src: 1000 + i, dst: 53 };
    const bytes = ethernet(ipv4({ src: '192.0.2.1', dst: '198.51.100.9' }, udp(ports)));
    const comment = formatOwnerComment(i + 1, { pid: 100 + i, start: 1, comm }, { reason: 'not-local' });
    const time = BigInt(2 * i);
    return [enhancedPacket({ bytes, time, options: [[1, text(comment)]] }), enhancedPacket({ bytes, time: time + 1n })];
  });
  const path = join(folder, `${++folders}.pcapng`);
  writeFileSync(path, pcapng(section(), interfaceBlock(), ...packets));
  return path;
}

describe('splitFile()', () => {
  test('writes the packets of each process into a file, and the rest with its reasons into unknown.pcapng', async () => {
    const path = 'captures/demo.facts.ndjson';
    const facts = parseFacts(readFileSync(path, 'utf8'), path);
    const { to, done } = await run('captures/demo.pcap', 'process', { facts });
    const packets = new Map(done.files.map(({ owner, packets }) => [owner, packets]));
    assert.deepEqual([packets.get('curl'), packets.get('app'), packets.get('database')], [340, 37, 37]);
    assert.equal(
      [...packets.values()].reduce((sum, count) => sum + count, 0),
      925 + 37,
      'app talks to database',
    );
    const unknown = [...done.unknown.values()].reduce((sum, count) => sum + count, 0);
    assert.deepEqual([done.files.at(-1)?.owner, done.files.at(-1)?.packets], [null, unknown]);
    assert.deepEqual(readdirSync(to).sort(), done.files.map((file) => file.path.slice(to.length + 1)).sort());
    for (const { path: file, packets: expected } of done.files) {
      assert.equal(capinfosPackets(file), expected, file);
    }
    for (const flow of await recordsOf(join(to, 'database.pcapng'))) {
      assert.deepEqual([flow.src_comm, flow.dst_comm], ['app', 'database']);
    }
  });

  test('gives hostile names files of their own inside the folder', async () => {
    const names = [
      ...HOSTILE_TEXTS.filter((name) => name.trim() !== ''),
      '../../etc/passwd',
      '..',
      '.',
      '-rf',
      'unknown',
      'a/b',
      'A',
      'a',
    ];
    const { to, done } = await run(captureOf(names), 'pid');
    assert.equal(done.files.length, names.length);
    const files = readdirSync(to);
    assert.equal(new Set(files.map((name) => name.toLowerCase())).size, names.length);
    for (const name of files) assert.match(name, /^(?![.-])[\p{L}\p{N}._@+=,%~-]{1,200}\.pcapng$/u);
    for (const { path, packets } of done.files) assert.deepEqual([dirname(path), packets], [to, 2]);
  });

  test('has many more files than descriptors, each with its packets in order', async () => {
    const names = Array.from({ length: 700 }, (_, i) => `p${i % 350}`);
    const { done } = await run(captureOf(names), 'process');
    assert.equal(done.files.length, 350);
    for (const { owner, path, packets, flows } of done.files) {
      assert.deepEqual([packets, flows], [4, 2]);
      const records = await recordsOf(path);
      assert.deepEqual(
        records.map(({ src_comm }) => src_comm),
        [owner, owner],
      );
      assert.deepEqual(
        records.map(({ orig_packets }) => orig_packets),
        [2, 2],
      );
    }
  });

  test('by remote goes by the other end of the host that is known, else by whom the first packet was for', async () => {
    const known = await run(captureOf(['curl']), 'remote');
    assert.deepEqual(
      known.done.files.map(({ owner, path, packets }) => [owner, path.slice(known.to.length + 1), packets]),
      [['198.51.100.9', '198.51.100.9.pcapng', 2]],
    );
    const path = join(folder, 'unknown.pcapng');
    const from = (src: string, dst: string) =>
      enhancedPacket({ bytes: ethernet(ipv6({ src, dst }, udp(PORTS))), time: 1n });
    const packets = [from('2001:db8::1', '2001:db8::2'), from('2001:db8::2', '2001:db8::3')];
    writeFileSync(path, pcapng(section(), interfaceBlock(), ...packets));
    const { to, done } = await run(path, 'remote');
    assert.deepEqual(readdirSync(to).sort(), ['2001-db8--2.pcapng', '2001-db8--3.pcapng']);
    assert.equal(done.unknown.size, 0);
  });

  test('answers to a host that is known go where its questions went', async () => {
    const bytes = [
      ethernet(ipv4({ src: '198.51.100.9', dst: '192.0.2.1' }, udp({ src: 53, dst: 1000 }))),
      ethernet(ipv4({ src: '192.0.2.1', dst: '198.51.100.9' }, udp({ src: 1000, dst: 53 }))),
    ];
    const comment = formatOwnerComment(1, { reason: 'not-local' }, { pid: 100, start: 1, comm: 'curl' });
    const packets = bytes.map((one, i) =>
      enhancedPacket({ bytes: one, time: BigInt(i), ...(i === 0 && { options: [[1, text(comment)]] }) }),
    );
    const path = join(folder, 'answered.pcapng');
    writeFileSync(path, pcapng(section(), interfaceBlock(), ...packets));
    const { done } = await run(path, 'remote');
    assert.deepEqual(
      done.files.map(({ owner, packets: count }) => [owner, count]),
      [['198.51.100.9', 2]],
    );
  });

  test('replaces nothing without force, and leaves nothing half written', async () => {
    const input = captureOf(['one', 'two']);
    const { to } = await run(input, 'process');
    const before = readFileSync(join(to, 'one.pcapng'));
    rmSync(join(to, 'two.pcapng'));
    const isTaken = (error: unknown) => error instanceof UserError && error.code === 'output-exists';
    await assert.rejects(splitInto(to, input, 'process'), isTaken);
    assert.deepEqual(readdirSync(to), ['one.pcapng']);
    assert.deepEqual(readFileSync(join(to, 'one.pcapng')), before);
    await splitInto(to, input, 'process', { force: true });
    assert.deepEqual(readdirSync(to).sort(), ['one.pcapng', 'two.pcapng']);
    assert.equal(statSync(to).mode & 0o777, 0o700);
  });

  test('refuses to split a file over itself, or into what is no folder', async () => {
    const input = captureOf(['one']);
    const { to } = await run(input, 'process');
    const own = join(to, 'one.pcapng');
    await assert.rejects(splitInto(to, own, 'process', { force: true }), { code: 'same-file' });
    await assert.rejects(splitInto(join(own, 'x'), input, 'process'), { code: 'bad-output' });
    assert.ok(!existsSync(join(to, 'unknown.pcapng')));
  });
});

test('FileNames cuts long names and tells them apart all the same', () => {
  const names = new FileNames();
  const [one, two] = ['a', 'b'].map((end) => names.take('語'.repeat(100) + end));
  assert.ok(Buffer.byteLength(one!) < 200 && one !== two);
  assert.deepEqual(
    ['x~2', 'x', 'X', 'x'].map((stem) => names.take(stem)),
    ['x%7e2.pcapng', 'x.pcapng', 'X~2.pcapng', 'x~3.pcapng'],
  );
});
