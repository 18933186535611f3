/** Annotated captures: the same packets to tshark, and the same owners to pcapid. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Annotated, annotate } from '../../../../src/app/annotate/annotate.ts';
import type { Style } from '../../../../src/app/annotate/styles.ts';
import { parseFacts } from '../../../../src/app/read/fact-file.ts';
import type { FactsMessage } from '../../../../src/app/record/messages.ts';
import { UserError } from '../../../../src/core/errors.ts';
import type { FlowRecord } from '../../../../src/core/record.ts';
import { recordsOf } from '../../../support/file-records.ts';
import { ethernet, ipv4, tcp } from '../../../support/packets.ts';
import {
  block,
  enhancedPacket,
  interfaceBlock,
  pcapng,
  section,
  simplePacket,
  text,
  words,
} from '../../../support/pcapng-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-annotate-'));
after(() => rmSync(folder, { recursive: true }));

const factsOf = (path: string): readonly FactsMessage[] => parseFacts(readFileSync(path, 'utf8'), path);

let outputs = 0;

async function run(
  input: string,
  options: { facts?: readonly FactsMessage[]; every?: boolean; style?: Style; output?: string; force?: boolean } = {},
): Promise<{ output: string; done: Annotated }> {
  const {
    facts = [],
    every = false,
    style = 'comments',
    output = join(folder, `${++outputs}.pcapng`),
    force = false,
  } = options;
  const rest = { version: '1', command: 'annotate', onProgress: () => {} };
  return { output, done: await annotate({ input, output, every, style, facts, force, ...rest }) };
}

const FIELDS = ['frame.number', 'frame.time_epoch', 'frame.len', 'frame.cap_len', 'frame.protocols'];

function tshark(path: string, ...fields: readonly string[]): string {
  const words = ['-n', '-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  return spawnSync('tshark', words, { encoding: 'utf8', maxBuffer: 64 << 20 }).stdout; // of damaged files up to there
}

const EVIDENCE = ['match', 'confidence', 'gap_us', 'holders', 'reason'] as const;

test('the owners that facts tell stand in comments, and are read again', async () => {
  const facts = factsOf('captures/demo.facts.ndjson');
  const { output, done } = await run('captures/demo.pcap', { facts });
  assert.equal(done.counts.marked, 15);
  const owners = (all: readonly FlowRecord[]) =>
    all.map((flow) =>
      (['src', 'dst'] as const).map((side) =>
        (['pid', 'comm', 'exe', 'cmdline', 'uid', 'unit', 'container', ...EVIDENCE] as const).map(
          (field) => flow[`${side}_${field}`],
        ),
      ),
    );
  const expected = await recordsOf('captures/demo.pcap', { facts });
  const reread = await recordsOf(output);
  for (const reason of ['closed-before-scan', 'ambiguous', 'kernel'])
    assert.ok(
      expected.some((flow) => flow.src_reason === reason || flow.dst_reason === reason),
      reason,
    );
  assert.ok(expected.some((flow) => flow.src_confidence === 'likely'));
  assert.deepEqual(owners(reread), owners(expected));
  assert.deepEqual(new Set(reread.flatMap((flow) => [flow.src_source, flow.dst_source])), new Set(['capture', null]));
  const comments = tshark(output, 'frame.comment').split('\n').filter(Boolean);
  assert.equal(comments.length, 15);
  assert.match(comments.join('\n'), /src\.comm=curl src\.exe=\/usr\/bin\/curl/);
});

test('every packet gets a comment that speaks of its own sender', async () => {
  const facts = factsOf('captures/demo.facts.ndjson');
  const { output, done } = await run('captures/demo.pcap', { facts, every: true });
  assert.equal(done.counts.marked, 923, 'all but two that are no IP');
  for (const line of tshark(output, 'ip.src', 'tcp.dstport', 'frame.comment').split('\n')) {
    if (!line.includes('comm=curl') || !line.startsWith('198.51.100.20')) continue;
    assert.match(line, /dst\.comm=curl/);
    assert.doesNotMatch(line, /src\.comm=curl/);
  }
});

const SEGMENT = ethernet(ipv4({ src: '192.0.2.1', dst: '198.51.100.9' }, tcp({ src: 40000, dst: 443, flags: 2 })));

test('other blocks, options and sections stay octet for octet, in both byte orders', async () => {
  const note = [1, text('PID: 7\nCmd: curl\nArgs: curl')] as const;
  const secrets = block(0xa, (order) => {
    const { u32 } = words(order);
    return [...u32(0x544c534b), ...u32(4), ...text('abcd')]; // a key log
  });
  const first = [interfaceBlock({ options: [[2, text('eth0')]] }), secrets];
  const path = join(folder, 'blocks.pcapng');
  const bytes = pcapng(
    section({ order: 'big', length: 400n, options: [[4, text('me')]] }),
    ...first,
    enhancedPacket({ bytes: SEGMENT, time: 5n, options: [note, [2988, text('mine')]] }),
    section({ order: 'little' }),
    ...first,
    simplePacket(SEGMENT),
    enhancedPacket({ bytes: SEGMENT.subarray(0, 53), origLen: 99, time: 9n }, 'unpadded'),
  );
  writeFileSync(path, bytes);
  const { output, done } = await run(path, { every: true });
  assert.deepEqual(done.counts, { packets: 3, marked: 2, refused: 1 });
  const copy = readFileSync(output);
  for (const kept of ['PID: 7\nCmd: curl\nArgs: curl', 'mine', 'eth0', 'me', 'abcd'])
    assert.ok(copy.includes(kept), kept);
  assert.equal(tshark(output, ...FIELDS), tshark(path, ...FIELDS));
  assert.match(tshark(output, 'frame.comment'), /PID: 7.*pcapid flow=1 src.pid=7 src.comm=curl/);
});

test('the output says which input and which command made it', async () => {
  const { output, done } = await run('captures/demo.pcap');
  const sum = (path: string) => execFileSync('sha256sum', [path], { encoding: 'utf8' }).slice(0, 64);
  assert.deepEqual([...done.inputHashes, done.outputHash], [sum('captures/demo.pcap'), sum(output)]);
  assert.ok(readFileSync(output).includes(`pcapid 1: annotate; input sha256 ${done.inputHashes[0]}`));
});

test('nothing is replaced or left half written', async () => {
  const output = join(folder, 'there.pcapng');
  writeFileSync(output, 'mine');
  const link = join(folder, 'link.pcap');
  writeFileSync(join(folder, 'same.pcap'), readFileSync('captures/demo.pcap'));
  linkSync(join(folder, 'same.pcap'), link);
  const refused = (input: string, options: object, code: string) =>
    assert.rejects(run(input, options), (error) => error instanceof UserError && error.code === code);
  await refused('captures/demo.pcap', { output }, 'output-exists');
  await refused(join(folder, 'same.pcap'), { output: link, force: true }, 'same-file');
  await refused('captures/demo.pcap', { output: join(folder, 'no', 'folder.pcapng') }, 'output-file');
  await refused('captures/README.md', { output: join(folder, 'x.pcapng') }, 'not-pcap');
  await refused('captures', { output: join(folder, 'x.pcapng') }, 'not-a-file');
  await refused('-', { output: join(folder, 'x.pcapng') }, 'not-a-file');
  await refused('captures/none.pcap', { output: join(folder, 'x.pcapng') }, 'no-such-file');
  assert.equal(readFileSync(output, 'utf8'), 'mine');
  assert.ok(!existsSync(join(folder, 'x.pcapng')));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.part')),
    [],
  );
  const { done } = await run('captures/demo.pcap', { output, force: true });
  assert.equal(done.counts.packets, 925);
});

test('a packet that is larger than what is read at once is copied whole, from both formats', async () => {
  const message = Uint8Array.from({ length: 1_500_001 }, (_, i) => i % 251);
  const USB = 220;
  const record = (bytes: Uint8Array, sec: number) => {
    const head = new DataView(new ArrayBuffer(16));
    for (const [at, word] of [sec, 5, bytes.length, bytes.length].entries()) head.setUint32(4 * at, word, true);
    return [new Uint8Array(head.buffer), bytes];
  };
  const header = new Uint32Array([0xa1b2c3d4, (4 << 16) | 2, 0, 0, 1 << 27, USB]);
  const small = message.subarray(0, 70);
  const classic = Buffer.concat([new Uint8Array(header.buffer), ...record(message, 1), ...record(small, 2)]);
  const blocks = Buffer.concat([
    pcapng(section(), interfaceBlock({ linkType: USB })),
    enhancedBlock(message),
    enhancedBlock(small),
  ]);
  for (const [name, bytes] of [
    ['huge.pcap', classic],
    ['huge.pcapng', blocks],
  ] as const) {
    const input = join(folder, name);
    writeFileSync(input, bytes);
    const { output, done } = await run(input);
    assert.equal(done.counts.packets, 2, name);
    assert.equal(tshark(output, 'frame.len', 'frame.time_epoch'), tshark(input, 'frame.len', 'frame.time_epoch'));
    assert.ok(readFileSync(output).includes(Buffer.from(message)), name);
  }
});

/** An Enhanced Packet Block of many octets, in one piece. */
function enhancedBlock(bytes: Uint8Array): Buffer {
  const padded = bytes.length + (-bytes.length & 3);
  const block = Buffer.alloc(32 + padded);
  for (const [at, word] of [6, block.length, 0, 0, 0, bytes.length, bytes.length].entries())
    block.writeUInt32LE(word, 4 * at);
  block.set(bytes, 28);
  block.writeUInt32LE(block.length, 28 + padded);
  return block;
}
