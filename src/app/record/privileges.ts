/** Gives up every right that recording does not need: capabilities(7), PR_SET_NO_NEW_PRIVS in prctl(2). */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { getSystemErrorName } from 'node:util';
import type { Native } from '../../native/binding.ts';

/** Numbers of linux/capability.h that this program can make use of. */
export const Capability = {
  DacReadSearch: 2, // read descriptors of other users' processes
  NetAdmin: 12, // BPF on cgroups, larger netlink buffers
  NetRaw: 13, // capture
  SysPtrace: 19, // executables and descriptors of other users' processes
  SysAdmin: 21, // enter other network namespaces; only kept for --netns
  Perfmon: 38, // BPF tracing
  Bpf: 39,
} as const;

export const RECORD_CAPABILITIES: readonly number[] = [
  Capability.DacReadSearch,
  Capability.NetAdmin,
  Capability.NetRaw,
  Capability.SysPtrace,
  Capability.Perfmon,
  Capability.Bpf,
];

/** What a recording uses that captures packets, or only sees sockets. */
export const capabilitiesFor = (captures: boolean): readonly number[] =>
  RECORD_CAPABILITIES.filter((capability) => captures || capability !== Capability.NetRaw);

export interface CapabilityMasks {
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly bounding: bigint;
}

/**
 * reduced: this process gave rights up and began anew. already: it never had more than `keep`.
 * unprivileged: it has none at all. failed: it goes on with all it has, `detail` says why.
 */
export interface PrivilegeState {
  readonly state: 'reduced' | 'already' | 'unprivileged' | 'failed';
  readonly detail: string;
}

export interface ReduceRequest {
  readonly keep: readonly number[]; // capabilities
  readonly databaseFolder: string; // its owner is who the process becomes, so that files belong to the same user
  readonly environment?: Readonly<Record<string, string>>; // added; what depends on the user must be settled before
}

/**
 * The process that begins anew is told to be sparing, which cannot be said later. V8: see YOUNG_MB in recorder-threads.ts;
 * a heap of 8 MB may grow by 2 MB, not by 8, before it is collected (13 MB less of all threads in a storm, no more CPU);
 * columns that no thread needs any more would else be collected when they are 64 MB, in each thread. Threads that help to
 * collect are waited for, on a busy host longer than they help: heaps of 10 MB are collected by the thread that has them.
 * glibc, mallopt(3): columns go from thread to thread and leave holes in the arenas, so large ones get pages of their own.
 */
const SPARING_V8 = [
  '--optimize-for-size',
  '--max-semi-space-size=1',
  '--heap-growing-percent=15',
  '--single-threaded-gc',
];
const SPARING_MALLOC = { MALLOC_MMAP_THRESHOLD_: `${128 << 10}` };

/** Set for the process that begins anew, so that it never does so twice. */
const MARK = 'PCAPID_REDUCED';

export function readCapabilities(native: Native): CapabilityMasks {
  const out = new Float64Array(3);
  const failed = native.capabilities(out);
  if (failed < 0) throw new Error(`capget: ${getSystemErrorName(failed)}`);
  return { effective: BigInt(out[0]!), permitted: BigInt(out[1]!), bounding: BigInt(out[2]!) };
}

export function capabilityMask(capabilities: readonly number[]): bigint {
  return capabilities.reduce((mask, capability) => mask | (1n << BigInt(capability)), 0n);
}

/**
 * Executes the program again, with the same pid and arguments, when it has rights beyond `keep`; so it does not
 * return in that case. Capabilities belong to threads and those of V8 exist by now: only execve() reaches them all.
 * Call it before anything is opened and before the first worker starts.
 */
export function reducePrivileges(native: Native, request: ReduceRequest): PrivilegeState {
  const marked = process.env[MARK] !== undefined;
  for (const name of [MARK, ...Object.keys(SPARING_MALLOC)]) delete process.env[name]; // children are not told
  const { effective, permitted } = readCapabilities(native);
  const keep = capabilityMask(request.keep);
  const excess = (effective | permitted) & ~keep;
  const has = `capabilities ${maskText(effective)}, uid ${process.geteuid!()}`;
  if ((effective | permitted) === 0n) return { state: 'unprivileged', detail: has };
  if (excess === 0n) return { state: marked ? 'reduced' : 'already', detail: has };
  if (marked) return { state: 'failed', detail: `still has ${maskText(excess)} after the program was started again` };

  const { uid, gid } = futureUser(request.databaseFolder);
  const argv = [process.argv0, ...process.execArgv, ...SPARING_V8, ...process.argv.slice(1)];
  const variables = { ...process.env, ...SPARING_MALLOC, ...request.environment, [MARK]: '1' };
  const envp = Object.entries(variables).map(([name, value]) => `${name}=${value ?? ''}`);
  const failed = native.execReduced(Number(keep), uid, gid, process.execPath, argv, envp);
  return { state: 'failed', detail: `execve as uid ${uid}: ${getSystemErrorName(failed)}` };
}

/** The owner of the folder (of the nearest one that exists) when root starts it, else whoever started it. */
function futureUser(folder: string): { uid: number; gid: number } {
  const own = { uid: process.geteuid!(), gid: process.getegid!() };
  if (own.uid !== 0) return own;
  for (let at = resolve(folder); ; at = dirname(at)) {
    const stat = statSync(at, { throwIfNoEntry: false });
    if (stat === undefined && at !== dirname(at)) continue;
    if (stat === undefined || stat.uid === 0) return own;
    // In a user namespace a stranger's folder reads as nobody's; nobody can be become there, or write to it.
    const mapped = isMapped('/proc/self/uid_map', stat.uid) && isMapped('/proc/self/gid_map', stat.gid);
    return mapped ? { uid: stat.uid, gid: stat.gid } : own;
  }
}

/** Lines of "first-inside first-outside count", user_namespaces(7). */
function isMapped(path: string, id: number): boolean {
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([first, , count]) => first !== undefined && count !== undefined && id >= first && id < first + count);
}

const maskText = (mask: bigint): string => `0x${mask.toString(16)}`;
