/** The BPF programs of a recording: which layer they make up here, and why it is not the better one. */
import { getSystemErrorName } from 'node:util';
import { UserError } from '../../core/errors.ts';
import { mountPointOf, parseMountInfo } from '../../linux/mount-info.ts';
import type { ProcFs } from '../../linux/proc-fs.ts';
import type { BpfHandle, Native } from '../../native/binding.ts';

/** Octets of the ring that socket events go through: 24,000 connections. */
const SOCKET_RING_BYTES = 4 << 20;
const PROCESS_RING_BYTES = 1 << 20;
/** Sockets and tuples that the kernel's caches hold. */
const ENTRIES = 65_536;

/** bpf: who sends and receives is seen itself. cgroup: who creates and connects, nothing of accepted sockets. */
export type KernelLayer = 'bpf' | 'cgroup';

/** Descriptors belong to the process: any thread may use them until close(). */
export interface KernelPrograms {
  readonly layer: KernelLayer;
  readonly socketRing: { readonly fd: number; readonly bytes: number };
  readonly processRing: { readonly fd: number; readonly bytes: number };
  readonly snapshotFd: number; // -1: the kernel has no such program
  readonly lostFd: number;
  readonly programs: readonly ProgramState[];
  close(): void;
}

/** What became of one program. */
export interface ProgramState {
  readonly name: string;
  readonly trouble: string | null; // null: it runs
}

/** Without these no socket has an owner. */
const CGROUP_PROGRAMS = ['sock_create', 'connect4', 'connect6', 'sendmsg4', 'sendmsg6', 'skb_egress', 'skb_ingress'];
/** Without these nobody is seen acting. */
const TRACING_PROGRAMS = ['send_length', 'recv_length'];

/**
 * Loads and attaches what the kernel lets us. Throws UserError('no-bpf') when that is not enough for either layer.
 *
 * @param cgroup path of the unified hierarchy
 * @param wanted the layer that may be used at most
 */
export function openKernelPrograms(native: Native, cgroup: string, wanted: KernelLayer): KernelPrograms {
  const fds = new Int32Array(4);
  const handle = open(native, cgroup, wanted, fds);
  const programs = statesOf(native, handle);
  const missing = (names: readonly string[]): ProgramState[] =>
    programs.filter(({ name, trouble }) => names.includes(name) && trouble !== null);
  const [refused] = missing(CGROUP_PROGRAMS);
  if (refused !== undefined) {
    native.bpfClose(handle);
    throw new UserError('no-bpf', `the kernel refuses ${refused.name}: ${refused.trouble}`, HINT);
  }
  const traces = wanted === 'bpf' && missing(TRACING_PROGRAMS).length === 0;
  return {
    layer: traces ? 'bpf' : 'cgroup',
    socketRing: { fd: fds[0]!, bytes: SOCKET_RING_BYTES },
    processRing: { fd: fds[1]!, bytes: PROCESS_RING_BYTES },
    snapshotFd: fds[2]!,
    lostFd: fds[3]!,
    programs,
    close: () => native.bpfClose(handle),
  };
}

const HINT = 'Run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, on Linux 6.3 or newer (5.8 for a part).';

function open(native: Native, cgroup: string, wanted: KernelLayer, fds: Int32Array): BpfHandle {
  const tracing = wanted === 'bpf' ? 1 : 0;
  return native.bpfOpen(cgroup, tracing, SOCKET_RING_BYTES, PROCESS_RING_BYTES, ENTRIES, fds);
}

function statesOf(native: Native, handle: BpfHandle): readonly ProgramState[] {
  return native.bpfPrograms(handle).map(([name, step, errno]) => ({
    name,
    trouble: errno === 0 ? null : `${getSystemErrorName(-errno)} at ${step}`,
  }));
}

/**
 * Where the unified hierarchy is. Hosts with version 1 alone show none, nor does `ip netns exec`: then it is mounted where
 * nobody else sees it, which needs CAP_SYS_ADMIN; so ask before rights are given up. '' when that is refused.
 */
export function findCgroupRoot(native: Native, proc: ProcFs): string {
  const mounted = mountPointOf(parseMountInfo(proc.readText('self/mountinfo') ?? ''), 'cgroup2');
  if (mounted !== null) return mounted;
  const fd = native.cgroupMount();
  return fd < 0 ? '' : `/proc/self/fd/${fd}`;
}
