import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseFacts } from '../../../../src/app/read/fact-file.ts';
import { attributorOf, type FileSink, readFile } from '../../../../src/app/read/file-reading.ts';
import type { Answer } from '../../../../src/attribution/attribute.ts';
import { FlowSide } from '../../../../src/core/attribution.ts';
import { UserError } from '../../../../src/core/errors.ts';
import { FLOW_END_REASONS } from '../../../../src/core/flow.ts';
import { ethernet, ipv4, pcapFile, TcpFlag, tcp } from '../../../support/packets.ts';

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
function read(path: string, facts = '') {
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
  return { ...seen, seen, result: readFile(path, attributorOf(parseFacts(facts, 'facts')), sink) };
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

test('readFile() tells its progress, and ends flows with the file', () => {
  const path = write('long.pcap', pcapFile([0, 0, 1, 2].map((after) => segment(after, TcpFlag.Ack))));
  const { packets, ends, seen, result } = read(path);
  assert.equal(packets.at(-1), 4);
  assert.equal(ends.at(-1), 'forced');
  assert.ok(seen.progress > 0);
  assert.deepEqual([result.counters.packets, result.counters.flowPackets], [4, 4]);
  assert.equal(result.counters.kernelDrops, null, 'a file does not know');
  assert.equal(result.damage, undefined);
});

test('readFile() answers nothing when there are no facts: nobody was looked up', () => {
  const { answers } = read(write('plain.pcap', pcapFile([segment(0, TcpFlag.Syn)])));
  assert.equal(answers.size, 0);
});

test('readFile() names owners by facts of the time of the packets', () => {
  const { answers } = read(write('facts.pcap', pcapFile([segment(0, TcpFlag.Syn), segment(1, TcpFlag.Rst)])), FACTS);
  const src = answers.get(`1/${FlowSide.Src}`);
  assert.equal(src?.process?.comm, 'curl');
  assert.equal(src?.evidence?.match, 'five-tuple');
  assert.equal(answers.get(`1/${FlowSide.Dst}`)?.reason, 'not-local');
});

test('readFile() does not name owners by facts of another time', () => {
  const yesterday = pcapFile([segment(-86_400, TcpFlag.Syn), segment(-86_399, TcpFlag.Rst)]);
  const { answers } = read(write('early.pcap', yesterday), FACTS);
  assert.equal(answers.get(`1/${FlowSide.Src}`)?.process, null);
});

test('readFile() counts what is no flow', () => {
  const arp = ethernet({ etherType: 0x0806, bytes: new Array<number>(28).fill(0) });
  const cut = { ...segment(0, TcpFlag.Ack), origLen: 54 };
  const records = [segment(0, TcpFlag.Ack), { bytes: arp, sec: SEC }, { ...cut, bytes: cut.bytes.subarray(0, 30) }];
  const { result } = read(write('mixed.pcap', pcapFile(records)));
  const { packets, flowPackets, notIpPackets, badPackets } = result.counters;
  assert.deepEqual([packets, flowPackets, notIpPackets, badPackets], [3, 1, 1, 1]);
});

test('readFile() reports where a file is damaged, after everything before it', () => {
  const whole = pcapFile([segment(0, TcpFlag.Ack), segment(0, TcpFlag.Ack, 100)]);
  const { result } = read(write('cut.pcap', whole.subarray(0, -1)));
  assert.equal(result.counters.packets, 1);
  assert.deepEqual(result.damage, { offset: 24 + 16 + 54, what: 'the file ends inside a packet' });
});

test('readFile() of an empty capture hands out no flow and no damage', () => {
  const { packets, result } = read(write('empty.pcap', pcapFile([])));
  assert.deepEqual([packets.length, result.counters.packets, result.damage], [0, 0, undefined]);
});

test('readFile() throws UserError for a file that is no capture', () => {
  const path = write('text.pcap', new TextEncoder().encode('this is not a capture file'));
  assert.throws(
    () => read(path),
    (error) => error instanceof UserError && error.code === 'not-pcap',
  );
  assert.throws(
    () => read(join(folder, 'absent.pcap')),
    (error) => error instanceof UserError && error.code === 'no-such-file',
  );
});
