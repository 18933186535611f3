import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parseFacts } from '../../../../src/app/read/fact-file.ts';
import { type FileSink, readFiles } from '../../../../src/app/read/file-reading.ts';
import { FlowBook } from '../../../../src/app/read/flow-book.ts';
import type { Answer } from '../../../../src/attribution/attribute.ts';
import { Attributor } from '../../../../src/attribution/attributor.ts';
import { FlowSide } from '../../../../src/core/attribution.ts';
import { UserError } from '../../../../src/core/errors.ts';
import { FLOW_END_REASONS } from '../../../../src/core/flow.ts';
import { ethernet, ipv4, type PcapRecord, pcapFile, TcpFlag, tcp, udp } from '../../../support/packets.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-file-'));
after(() => rmSync(folder, { recursive: true }));

const SEC = 1_700_000_000;
const AT = SEC * 1e6;

/** A segment of 192.0.2.1:40000 to 198.51.100.9:443, `after` seconds after the first. */
function segment(after: number, flags: number, payload = 0) {
  const packet = ipv4({ src: '192.0.2.1', dst: '198.51.100.9' }, tcp({ src: 40000, dst: 443, flags, seq: 1, payload }));
  return { bytes: ethernet(packet), sec: SEC + after };
}

function write(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Reads a file and keeps what it hands out. */
async function read(paths: string | readonly string[], facts = '') {
  const seen = {
    packets: [] as number[], // of the first flow, at each hand-over
    ends: [] as (string | null)[],
    answers: new Map<string, Answer>(),
    progress: 0,
  };
  const sink: FileSink = {
    onFlows(flows) {
      for (let i = 0; i < flows.count; i++) {
        seen.packets.push(flows.origPackets[i]!);
        seen.ends.push(FLOW_END_REASONS[flows.endReason[i]!]!);
      }
    },
    onAnswer: (serial, side, answer) => void seen.answers.set(`${serial}/${side}`, answer),
    onProgress: () => void seen.progress++,
  };
  const inputs = [paths].flat().map((path) => ({ path }));
  const options = { inputs, attributor: new Attributor(), facts: parseFacts(facts, 'facts') };
  const result = await readFiles(options, sink);
  return { ...seen, seen, result };
}

const FACTS = [
  { kind: 'address', at_us: AT, unicast: ['192.0.2.1'], broadcast: [] },
  {
    ...{ kind: 'process', at_us: AT, pid: 42, startTicks: 9, parentPid: 1, comm: 'curl', exe: null, argv: null },
    ...{ uid: 0, cgroup: null, unit: null, container: null, netns: 1, forked: false },
  },
  {
    ...{ kind: 'socket', at_us: AT + 1, protocol: 6, version: 4, local: ['192.0.2.1', 40000] },
    ...{ remote: ['198.51.100.9', 443], ifindex: 0, inode: 77, cookie: 5, uid: 0, state: 1, source: 'diag' },
  },
  { kind: 'holder', at_us: AT + 2, inode: 77, pid: 42, startTicks: 9, fd: 3 },
]
  .map((fact) => JSON.stringify(fact))
  .join('\n');

test('readFiles() tells its progress, and ends flows with the file', async () => {
  const path = write('long.pcap', pcapFile([0, 0, 1, 2].map((after) => segment(after, TcpFlag.Ack))));
  const { packets, ends, seen, result } = await read(path);
  assert.equal(packets.at(-1), 4);
  assert.equal(ends.at(-1), 'forced');
  assert.ok(seen.progress > 0);
  assert.deepEqual([result.counters.packets, result.counters.flowPackets], [4, 4]);
  assert.equal(result.counters.kernelDrops, null, 'a file does not know');
  assert.deepEqual(result.damages, []);
});

test('readFiles() answers nothing when there are no facts: nobody was looked up', async () => {
  const { answers } = await read(write('plain.pcap', pcapFile([segment(0, TcpFlag.Syn)])));
  assert.equal(answers.size, 0);
});

test('readFiles() names owners by facts of the time of the packets', async () => {
  const { answers } = await read(
    write('facts.pcap', pcapFile([segment(0, TcpFlag.Syn), segment(1, TcpFlag.Rst)])),
    FACTS,
  );
  const src = answers.get(`1/${FlowSide.Src}`);
  assert.equal(src?.process?.comm, 'curl');
  assert.equal(src?.evidence?.match, 'five-tuple');
  assert.equal(answers.get(`1/${FlowSide.Dst}`)?.reason, 'not-local');
});

test('readFiles() does not name owners by facts of another time', async () => {
  const yesterday = pcapFile([segment(-86_400, TcpFlag.Syn), segment(-86_399, TcpFlag.Rst)]);
  const { answers } = await read(write('early.pcap', yesterday), FACTS);
  assert.equal(answers.get(`1/${FlowSide.Src}`)?.process, null);
});

test('readFiles() counts what is no flow', async () => {
  const arp = ethernet({ etherType: 0x0806, bytes: new Array<number>(28).fill(0) });
  const cut = { ...segment(0, TcpFlag.Ack), origLen: 54 };
  const records = [segment(0, TcpFlag.Ack), { bytes: arp, sec: SEC }, { ...cut, bytes: cut.bytes.subarray(0, 30) }];
  const { result } = await read(write('mixed.pcap', pcapFile(records)));
  const { packets, flowPackets, notIpPackets, badPackets } = result.counters;
  assert.deepEqual([packets, flowPackets, notIpPackets, badPackets], [3, 1, 1, 1]);
});

test('readFiles() reports where a file is damaged, after everything before it', async () => {
  const whole = pcapFile([segment(0, TcpFlag.Ack), segment(0, TcpFlag.Ack, 100)]);
  const path = write('cut.pcap', whole.subarray(0, -1));
  const { result } = await read(path);
  assert.equal(result.counters.packets, 1);
  assert.deepEqual(result.damages, [{ path, offset: 24 + 16 + 54, what: 'the file ends inside a packet' }]);
});

test('readFiles() joins fragments to a first one that comes batches later, and counts those of none', async () => {
  const ends = { src: '192.0.2.1', dst: '198.51.100.9' };
  const piece = (id: number, offset: number, after: number): PcapRecord => ({
    bytes: ethernet(ipv4({ ...ends, id, offset, more: offset === 0 }, udp({ src: 5000, dst: 2049, payload: 16 }))),
    sec: SEC + after,
  });
  const between = Array.from({ length: 9000 }, () => segment(1, TcpFlag.Ack));
  const path = write('fragments.pcap', pcapFile([piece(1, 24, 0), piece(2, 24, 0), ...between, piece(1, 0, 2)]));
  const book = new FlowBook(() => null);
  const sink: FileSink = { onFlows: (flows) => book.addFlows(flows), onAnswer: () => {}, onProgress: () => {} };
  const { counters } = await readFiles({ inputs: [{ path }], attributor: new Attributor(), facts: [] }, sink);
  const udpFlows = [...book.records()]
    .filter(({ protocol }) => protocol === 'udp')
    .map((flow) => [flow.src_port, flow.orig_packets, flow.first_us, flow.last_us]);
  assert.deepEqual(udpFlows.sort(), [
    [0, 1, SEC * 1e6, SEC * 1e6],
    [5000, 2, SEC * 1e6, (SEC + 2) * 1e6],
  ]);
  assert.deepEqual([counters.packets, counters.flowPackets], [9003, 9003]);
});

test('readFiles() of an empty capture hands out no flow and no damage', async () => {
  const { packets, result } = await read(write('empty.pcap', pcapFile([])));
  assert.deepEqual([packets.length, result.counters.packets, result.damages], [0, 0, []]);
});

test('readFiles() leaves files that are no captures out, and throws UserError when no other is left', async () => {
  const good = write('good.pcap', pcapFile([segment(0, TcpFlag.Ack)]));
  const text = write('text.pcap', Buffer.from('this is not a capture file'));
  const packed = write('text.gz', gzipSync('this is not a capture file'));
  const failsWith = (code: string) => (error: unknown) => error instanceof UserError && error.code === code;
  const { result } = await read([text, good, packed]);
  assert.equal(result.counters.packets, 1);
  assert.deepEqual(
    result.damages.map(({ path, offset }) => [path, offset]),
    [text, packed].map((path) => [path, null]),
  );
  await assert.rejects(read([text, packed]), failsWith('not-pcap'));
  await assert.rejects(read([good, join(folder, 'absent.pcap')]), failsWith('no-such-file'));
});

test('readFiles() goes on with a flow in the next file, and says which file is damaged', async () => {
  const [first, second] = [pcapFile([segment(0, TcpFlag.Ack)]), pcapFile([segment(1, TcpFlag.Ack)])];
  const paths = [write('1.pcap', first), write('2.pcap', second.subarray(0, -1)), write('3.pcap', second)];
  const { packets, result } = await read(paths);
  assert.equal(packets.at(-1), 2);
  assert.deepEqual(
    result.damages.map(({ path }) => path),
    [paths[1]],
  );
});

test('readFiles() reads what is compressed as what is not', async () => {
  const whole = pcapFile([segment(0, TcpFlag.Ack), segment(1, TcpFlag.Ack)]);
  const { packets } = await read(write('whole.pcap.gz', gzipSync(whole)));
  assert.equal(packets.at(-1), 2);
});

test('readFiles() hands out flows of a pipe while it grows', async () => {
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  const writer = openSync(path, 'r+');
  const file = pcapFile([segment(0, TcpFlag.Ack), segment(1, TcpFlag.Ack)]);
  writeSync(writer, file.subarray(0, -54));
  const seen: number[] = [];
  const sink: FileSink = {
    onFlows(flows) {
      for (let i = 0; i < flows.count; i++) seen.push(flows.origPackets[i]!);
      if (seen.length === 1) writeSync(writer, file.subarray(-54)); // only what was seen brings the rest
      if (seen.length === 2) closeSync(writer);
    },
    onAnswer: () => {},
    onProgress: () => {},
  };
  await readFiles({ inputs: [{ path }], attributor: new Attributor(), facts: [] }, sink);
  assert.deepEqual(seen.slice(0, 2), [1, 2]);
});

test('readFiles() follows a file that grows until it is told to stop', async () => {
  const file = pcapFile([segment(0, TcpFlag.Ack), segment(1, TcpFlag.Ack)]);
  const path = write('growing.pcap', file.subarray(0, -60)); // ends inside a record
  const stop = new AbortController();
  const seen: number[] = [];
  const sink: FileSink = {
    onFlows(flows) {
      for (let i = 0; i < flows.count; i++) seen.push(flows.origPackets[i]!);
      if (seen.length === 1) appendFileSync(path, file.subarray(-60));
      if (seen.length === 2) stop.abort();
    },
    onAnswer: () => {},
    onProgress: () => {},
  };
  const options = { inputs: [{ path }], attributor: new Attributor(), facts: [], follow: true, stop: stop.signal };
  const { damages } = await readFiles(options, sink);
  assert.deepEqual([seen.slice(0, 2), damages], [[1, 2], []]);
});
