import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { FlowRecord } from '../../../../src/core/record.ts';
import { recordsOf } from '../../../support/file-records.ts';
import { ethernet, ipv4, TcpFlag, tcp } from '../../../support/packets.ts';
import { enhancedPacket, interfaceBlock, type PcapngOption, pcapng, section } from '../../../support/pcapng-file.ts';
import { PROCESS_CAPTURES } from '../../../support/process-captures.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-facts-'));
after(() => rmSync(folder, { recursive: true }));

function flowsOf(bytes: Uint8Array): Promise<readonly FlowRecord[]> {
  const path = join(folder, 'x');
  writeFileSync(path, bytes);
  return recordsOf(path);
}

const captureNamed = (name: string): Uint8Array => PROCESS_CAPTURES.find((one) => one.name === name)!.bytes;

for (const [name, expected] of Object.entries({
  'process-id.pcapng': ['dig[1234]', 'curl[1234]', 'null[99]', 'no-socket'],
  'darwin.pcapng': ['mDNSResponder[501]', 'Safari[77]', 'no-socket'],
  'ptcpdump.pcapng': ['wget[4711]', 'no-socket'],
  'hone.pcapng': ['ssh[300]', 'ssh[300]', 'no-socket'],
  'pktap.pcap': ['apsd[62]', 'no-socket'],
})) {
  test(`a flow of ${name} has the process that the file names, and source capture`, async () => {
    const flows = await flowsOf(captureNamed(name));
    const named = (flow: FlowRecord) => (flow.src_pid === null ? flow.src_reason : `${flow.src_comm}[${flow.src_pid}]`);
    assert.deepEqual(flows.map(named), expected);
    assert.deepEqual(
      [flows[0]!.src_source, flows[0]!.src_match, flows[0]!.dst_reason],
      ['capture', 'five-tuple', 'not-local'],
    );
  });
}

test('a packet that came in names the owner of its destination', async () => {
  const [flow] = await flowsOf(captureNamed('rustnet.pcapng'));
  assert.deepEqual([flow!.src_reason, flow!.dst_comm, flow!.dst_pid], ['not-local', 'firefox', 815]);
});

test('what a capture does not say of a process is null', async () => {
  const [flow] = await flowsOf(captureNamed('darwin.pcapng'));
  assert.deepEqual([flow!.src_uid, flow!.src_user, flow!.src_exe, flow!.src_cmdline], [null, null, null, null]);
});

/** Segments of one tuple, a second apart: flags and pid. */
const segments = (...all: readonly (readonly [flags: number, seq: number, pid: number])[]): Uint8Array => {
  const process = (pid: number): PcapngOption => [8, (w) => [...w.u32(pid), ...w.u32(0)]];
  const frame = (flags: number, seq: number) =>
    ethernet(ipv4({ src: '192.0.2.1', dst: '198.51.100.9' }, tcp({ src: 40000, dst: 443, flags, seq })));
  const packets = all.map(([flags, seq, pid], i) =>
    enhancedPacket({ bytes: frame(flags, seq), time: BigInt(i) * 1_000_000n, options: [process(pid)] }),
  );
  return pcapng(section(), interfaceBlock(), ...packets);
};

test('two processes in one flow are ambiguous', async () => {
  const [flow] = await flowsOf(segments([TcpFlag.Syn, 1, 10], [TcpFlag.Ack, 2, 10], [TcpFlag.Ack, 2, 11]));
  assert.deepEqual([flow!.src_pid, flow!.src_reason, flow!.src_holders], [null, 'ambiguous', 2]);
});

test('a tuple that another process uses later is another flow with its own owner', async () => {
  const { Syn, Ack, Rst } = TcpFlag;
  const flows = await flowsOf(segments([Syn, 1, 10], [Ack, 2, 10], [Rst, 2, 10], [Syn, 9000, 11], [Ack, 9001, 11]));
  assert.deepEqual(
    flows.map((flow) => flow.src_pid),
    [10, 11],
  );
});

/** Segments as above; the comment of each names their sender. */
const commented = (...all: readonly (readonly [flags: number, seq: number, comment: string])[]): Uint8Array => {
  const frame = (flags: number, seq: number) =>
    ethernet(ipv4({ src: '192.0.2.1', dst: '198.51.100.9' }, tcp({ src: 40000, dst: 443, flags, seq })));
  const packets = all.map(([flags, seq, comment], i) =>
    enhancedPacket({
      bytes: frame(flags, seq),
      time: BigInt(i) * 1_000_000n,
      options: [[1, [...Buffer.from(`pcapid flow=1 ${comment}`)]]],
    }),
  );
  return pcapng(section(), interfaceBlock(), ...packets);
};

test('an owner that was likely to who wrote it stays likely, and its gap is kept', async () => {
  const { Syn, Ack } = TcpFlag;
  const flowOf = async (words: string) =>
    (await flowsOf(commented([Syn, 1, `src.pid=10 src.comm=a ${words}`], [Ack, 2, 'dst.reason=not-local'])))[0]!;
  const wildcard = await flowOf('src.match=wildcard src.confidence=likely');
  assert.deepEqual([wildcard.src_pid, wildcard.src_source, wildcard.src_confidence], [10, 'capture', 'likely']);
  const late = await flowOf('src.confidence=likely src.gap_us=7000000');
  assert.deepEqual([late.src_pid, late.src_confidence, late.src_gap_us], [10, 'likely', 7_000_000]);
  assert.equal((await flowOf('src.confidence=exact')).src_confidence, 'exact');
});

test('of two likely owners of a tuple each has its own flow', async () => {
  const { Syn, Ack, Rst } = TcpFlag;
  const flows = await flowsOf(
    commented(
      [Syn, 1, 'src.pid=10 src.confidence=likely'],
      [Rst | Ack, 2, 'src.pid=10 src.confidence=likely'],
      [Syn, 9000, 'src.pid=11 src.confidence=likely'],
      [Ack, 9001, 'src.pid=11 src.confidence=likely'],
    ),
  );
  assert.deepEqual(
    flows.map((flow) => [flow.src_pid, flow.src_confidence]),
    [
      [10, 'likely'],
      [11, 'likely'],
    ],
  );
});
