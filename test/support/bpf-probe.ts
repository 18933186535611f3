/** The BPF programs of the addon without the product around them: their events as objects, read by native/bpf/events.h. */
import { readFileSync } from 'node:fs';
import { formatAddress } from '../../src/core/address.ts';
import { mountPointOf, parseMountInfo } from '../../src/linux/mount-info.ts';
import { type BpfProgram, loadNative } from '../../src/native/binding.ts';

const native = loadNative();
const TICK_NS = 10_000_000n;

export interface ProbedSocket {
  readonly kind: 'seen' | 'owner' | 'closed';
  readonly protocol: number;
  readonly local: string; // address:port
  readonly remote: string;
  readonly pid: number;
  readonly startTicks: number;
  readonly uid: number;
  readonly evidence: number;
  readonly previous: number;
  readonly flags: number;
  readonly ifindex: number;
  readonly cookie: bigint;
  readonly netns: number;
  readonly netnsCookie: number;
  readonly sequence: number;
}

export interface ProbedProcess {
  readonly kind: 'fork' | 'exec' | 'exit';
  readonly pid: number;
  readonly startTicks: number;
  readonly parent: number;
  readonly parentStartTicks: number;
  readonly uid: number;
  readonly exitCode: number;
  readonly flags: number;
  readonly comm: string;
  readonly exe: string;
  readonly argv: readonly string[];
}

export interface ProbedHolder {
  readonly pid: number;
  readonly startTicks: number;
  readonly fd: number;
  readonly protocol: number;
  readonly local: string;
  readonly remote: string;
  readonly state: number;
  readonly cookie: bigint;
  readonly inode: number;
  readonly netns: number;
}

export interface ProbeOptions {
  readonly tracing?: 0 | 1;
  readonly cgroup?: string;
  readonly socketRingBytes?: number;
  readonly processRingBytes?: number;
}

/** Where this system has its unified hierarchy; '' when it has none. */
export function cgroupRoot(): string {
  return mountPointOf(parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')), 'cgroup2') ?? '';
}

/** @returns why no program can be attached here, or false: for the `skip` of a test */
export function bpfMissing(): string | false {
  try {
    const probe = new BpfProbe();
    const refused = probe.programs.find(([, , errno]) => errno !== 0);
    probe.close();
    return refused === undefined ? false : `${refused[0]}: errno ${refused[2]} at ${refused[1]}`;
  } catch (error) {
    return (error as Error).message;
  }
}

export class BpfProbe {
  readonly programs: readonly BpfProgram[];
  readonly fds = new Int32Array(4);
  readonly #handle;
  readonly #rings;
  readonly #bytes = Buffer.alloc(16 << 20);

  constructor({
    tracing = 1,
    cgroup = cgroupRoot(),
    socketRingBytes = 4 << 20,
    processRingBytes = 4 << 20,
  }: ProbeOptions = {}) {
    this.#handle = native.bpfOpen(cgroup, tracing, socketRingBytes, processRingBytes, 65_536, this.fds);
    this.programs = native.bpfPrograms(this.#handle);
    this.#rings = [openRing(this.fds[0]!, socketRingBytes), openRing(this.fds[1]!, processRingBytes)] as const;
  }

  sockets(): readonly ProbedSocket[] {
    return this.#records(0).map(parseSocket);
  }

  processes(): readonly ProbedProcess[] {
    return this.#records(1).map(parseProcess);
  }

  /** @throws Error with the errno as message */
  holders(pid = 0): readonly ProbedHolder[] {
    const octets = native.bpfSnapshot(this.fds[2]!, this.#bytes, pid);
    if (octets < 0) throw new Error(String(-octets));
    return Array.from({ length: octets / 104 }, (_, i) => parseHolder(this.#bytes.subarray(104 * i, 104 * (i + 1))));
  }

  /** Socket events and process events that found no room. */
  lost(): readonly [number, number] {
    const out = new Float64Array(2);
    if (native.bpfLost(this.fds[3]!, out) !== 0) throw new Error('bpfLost failed');
    return [out[0]!, out[1]!];
  }

  /** Empties both rings, unread. */
  drain(): void {
    for (const ring of this.#rings) while (native.bpfRingRead(ring, this.#bytes) > 0);
  }

  close(): void {
    for (const ring of this.#rings) native.bpfRingClose(ring);
    native.bpfClose(this.#handle);
  }

  #records(ring: 0 | 1): readonly Buffer[] {
    const octets = native.bpfRingRead(this.#rings[ring], this.#bytes);
    const records: Buffer[] = [];
    for (let at = 0; at < octets; ) {
      const length = this.#bytes.readUInt32LE(at);
      records.push(Buffer.from(this.#bytes.subarray(at + 8, at + 8 + length)));
      at += 8 + Math.ceil(length / 8) * 8;
    }
    return records;
  }
}

function openRing(fd: number, bytes: number) {
  const ring = native.bpfRingOpen(fd, bytes);
  if (typeof ring === 'number') throw new Error(`bpfRingOpen: ${ring}`);
  return ring;
}

const ticksAt = (b: Buffer, at: number): number => Number(b.readBigUInt64LE(at) / TICK_NS);
const textAt = (b: Buffer, at: number): string => b.toString('latin1', at, b.indexOf(0, at));

/** struct socket_key, at 48. */
function ends(b: Buffer): { readonly protocol: number; readonly local: string; readonly remote: string } {
  const end = (at: number, port: number): string =>
    `${address(b.subarray(at, at + 16), b[85]!)}:${b.readUInt16BE(port)}`;
  return { protocol: b[84]!, local: end(48, 80), remote: end(64, 82) };
}

function address(bytes: Buffer, family: number): string {
  if (family === 2) return [...bytes.subarray(0, 4)].join('.');
  return family === 10
    ? formatAddress(
        Int32Array.from([0, 4, 8, 12], (at) => bytes.readInt32BE(at)),
        0,
      )
    : '';
}

function parseSocket(b: Buffer): ProbedSocket {
  return {
    kind: (['seen', 'owner', 'closed'] as const)[b.readUInt32LE(0) - 1]!,
    ...ends(b),
    pid: b.readUInt32LE(4),
    startTicks: ticksAt(b, 40),
    uid: b.readUInt32LE(88),
    evidence: b[86]!,
    previous: b[87]!,
    flags: b.readUInt32LE(96),
    ifindex: b.readUInt32LE(100),
    cookie: b.readBigUInt64LE(16),
    netns: b.readUInt32LE(92),
    netnsCookie: Number(b.readBigUInt64LE(24)),
    sequence: b.readUInt32LE(104),
  };
}

function parseHolder(b: Buffer): ProbedHolder {
  return {
    pid: b.readUInt32LE(0),
    startTicks: ticksAt(b, 8),
    fd: b.readUInt32LE(88),
    ...ends(b),
    state: b[86]!,
    cookie: b.readBigUInt64LE(16),
    inode: Number(b.readBigUInt64LE(40)),
    netns: b.readUInt32LE(92),
  };
}

function parseProcess(b: Buffer): ProbedProcess {
  const argvAt = 80 + b.readUInt16LE(58);
  const argv = b.toString('latin1', argvAt, argvAt + b.readUInt32LE(60));
  return {
    kind: (['fork', 'exec', 'exit'] as const)[b.readUInt32LE(0) - 1]!,
    pid: b.readUInt32LE(4),
    startTicks: ticksAt(b, 16),
    parent: b.readUInt32LE(40),
    parentStartTicks: ticksAt(b, 24),
    uid: b.readUInt32LE(44),
    exitCode: b.readUInt32LE(52),
    flags: b.readUInt16LE(56),
    comm: textAt(b, 64),
    exe: b.toString('latin1', 80, argvAt),
    argv: argv === '' ? [] : argv.replace(/\0$/, '').split('\0'),
  };
}
