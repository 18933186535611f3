/** Records as the BPF programs write them (native/bpf/events.h), from literals. */
import { parseAddress } from '../../src/core/address.ts';
import { NO_UID } from '../../src/core/socket.ts';
import type { Endpoint } from './facts.ts';

interface KeyLiteral {
  readonly local?: Endpoint;
  readonly remote?: Endpoint;
  readonly protocol?: number;
  readonly family?: number; // that of the addresses, unless given
  readonly evidence?: number; // in a snapshot the state
  readonly previous?: number;
}

export interface EventLiteral extends KeyLiteral {
  readonly kind: number;
  readonly pid?: number;
  readonly atUs?: number;
  readonly cookie?: number;
  readonly netnsCookie?: number;
  readonly cgroup?: number;
  readonly startTicks?: number;
  readonly uid?: number;
  readonly netns?: number;
  readonly flags?: number;
  readonly ifindex?: number;
  readonly sequence?: number;
}

export interface SnapshotLiteral extends KeyLiteral {
  readonly pid: number;
  readonly startTicks?: number;
  readonly cookie?: number;
  readonly inode?: number;
  readonly fd?: number;
  readonly netns?: number;
  readonly uid?: number;
  readonly ifindex?: number;
}

export interface ProcessLiteral {
  readonly kind: number;
  readonly pid: number;
  readonly startTicks?: number;
  readonly atUs?: number;
  readonly parentPid?: number;
  readonly parentStartTicks?: number;
  readonly cgroup?: number;
  readonly uid?: number;
  readonly netns?: number;
  readonly code?: number;
  readonly flags?: number;
  readonly comm?: string;
  readonly exe?: string;
  readonly argv?: readonly string[];
}

const TICK_NS = 10_000_000;

export function socketEvent(literal: EventLiteral): Buffer {
  const b = Buffer.alloc(112);
  b.writeUInt32LE(literal.kind, 0);
  b.writeUInt32LE(literal.pid ?? 0, 4);
  put64(b, 8, (literal.atUs ?? 0) * 1000);
  put64(b, 16, literal.cookie ?? 0);
  put64(b, 24, literal.netnsCookie ?? 0);
  put64(b, 32, literal.cgroup ?? 0);
  put64(b, 40, (literal.startTicks ?? 0) * TICK_NS);
  putKey(b, literal);
  b.writeUInt32LE(literal.uid ?? NO_UID, 88);
  b.writeUInt32LE(literal.netns ?? 0, 92);
  b.writeUInt32LE(literal.flags ?? 0, 96);
  b.writeUInt32LE(literal.ifindex ?? 0, 100);
  b.writeUInt32LE(literal.sequence ?? 0, 104);
  return b;
}

export function snapshotRecord(literal: SnapshotLiteral): Buffer {
  const b = Buffer.alloc(104);
  b.writeUInt32LE(literal.pid, 0);
  put64(b, 8, (literal.startTicks ?? literal.pid * 10) * TICK_NS);
  put64(b, 16, literal.cookie ?? 0);
  put64(b, 40, literal.inode ?? 0);
  putKey(b, literal);
  b.writeUInt32LE(literal.fd ?? 3, 88);
  b.writeUInt32LE(literal.netns ?? 0, 92);
  b.writeUInt32LE(literal.uid ?? 1000, 96);
  b.writeUInt32LE(literal.ifindex ?? 0, 100);
  return b;
}

export function processEvent(literal: ProcessLiteral): Buffer {
  const exe = Buffer.from(literal.exe ?? '', 'latin1');
  const argv = Buffer.from((literal.argv ?? []).map((word) => `${word}\0`).join(''), 'latin1');
  const b = Buffer.alloc(80);
  b.writeUInt32LE(literal.kind, 0);
  b.writeUInt32LE(literal.pid, 4);
  put64(b, 8, (literal.atUs ?? 0) * 1000);
  put64(b, 16, (literal.startTicks ?? literal.pid * 10) * TICK_NS);
  put64(b, 24, (literal.parentStartTicks ?? 0) * TICK_NS);
  put64(b, 32, literal.cgroup ?? 0);
  b.writeUInt32LE(literal.parentPid ?? 0, 40);
  b.writeUInt32LE(literal.uid ?? NO_UID, 44);
  b.writeUInt32LE(literal.netns ?? 0, 48);
  b.writeUInt32LE(literal.code ?? 0, 52);
  b.writeUInt16LE(literal.flags ?? 0, 56);
  b.writeUInt16LE(exe.length, 58);
  b.writeUInt32LE(argv.length, 60);
  b.write(literal.comm ?? '', 64, 16, 'latin1');
  return Buffer.concat([b, exe, argv]);
}

/** As bpfRingRead() hands them over. */
export function ringOf(...records: readonly Buffer[]): Buffer {
  return Buffer.concat(
    records.map((record) => {
      const padded = Buffer.alloc(8 + ((record.length + 7) & ~7));
      padded.writeUInt32LE(record.length, 0);
      record.copy(padded, 8);
      return padded;
    }),
  );
}

function putKey(b: Buffer, literal: KeyLiteral): void {
  const { local, remote } = literal;
  if (local === undefined) return;
  const isV6 = local[0].includes(':');
  putAddress(b, 48, local[0]);
  if (remote !== undefined) putAddress(b, 64, remote[0]);
  b.writeUInt16BE(local[1], 80);
  b.writeUInt16BE(remote?.[1] ?? 0, 82);
  b[84] = literal.protocol ?? 6;
  b[85] = literal.family ?? (isV6 ? 10 : 2);
  b[86] = literal.evidence ?? 0;
  b[87] = literal.previous ?? 0;
}

function putAddress(b: Buffer, at: number, text: string): void {
  const words = parseAddress(text)!;
  if (text.includes(':')) for (let w = 0; w < 4; w++) b.writeInt32BE(words[w]!, at + 4 * w);
  else b.writeInt32BE(words[3]!, at);
}

function put64(b: Buffer, at: number, value: number): void {
  b.writeUInt32LE(value % 2 ** 32, at);
  b.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}
