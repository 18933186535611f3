/** What the addon offers (native/addon.h). Arguments are not checked there: typed arrays must have the stated lengths. */

import type { FastPath } from '../core/fast-path.ts';

declare const handleBrand: unique symbol;
/** An open capture. Belongs to the thread that opened it; closed by pcapClose, by garbage collection or at its end. */
export interface PcapHandle {
  readonly [handleBrand]: never;
}

/** Attached BPF programs with their maps. They vanish with the process; links do that even when it is killed. */
export interface BpfHandle {
  readonly [handleBrand]: never;
}

/** A mapped ring buffer. Belongs to the thread that opened it. */
export interface BpfRing {
  readonly [handleBrand]: never;
}

/** What became of a BPF program; errno 0: it is attached. `log`: the verifier's last words, or what it does without. */
export type BpfProgram = readonly [name: string, step: string, errno: number, log: string];

/** Results of pcapRead below zero. */
export const ReadStatus = { InterfaceGone: -1, InterfaceDown: -2, Failed: -3 } as const;

export interface Native extends FastPath {
  readonly abiVersion: number;

  /**
   * Starts a capture: nanosecond time stamps, never blocks, SLL2 on `any`. Throws UserError.
   * @param ringBytes below 2^31
   * @param timeoutMs how long the kernel may collect packets before it hands a block over
   * @param netnsPath such as /run/netns/NAME or /proc/PID/ns/net; '' is the namespace of the caller
   */
  pcapOpen(
    device: string,
    filter: string,
    snaplen: number,
    ringBytes: number,
    timeoutMs: number,
    promiscuous: 0 | 1,
    netnsPath: string,
  ): PcapHandle;
  /** linkType is a LINKTYPE_ number, ifindex is 0 for `any`. */
  pcapInfo(handle: PcapHandle): readonly [fd: number, linkType: number, snaplen: number, ifindex: number];
  /**
   * Moves what the ring holds into the columns of a PacketBatch, from row 0, and never waits. `bytes` must have room
   * for one packet of snaplen octets. Returns packets, or a ReadStatus once what was captured before it is delivered.
   */
  pcapRead(
    handle: PcapHandle,
    bytes: Uint8Array,
    offset: Uint32Array,
    capLen: Uint32Array,
    origLen: Uint32Array,
    sec: Uint32Array,
    nsec: Uint32Array,
  ): number;
  /** Text for ReadStatus.Failed. */
  pcapError(handle: PcapHandle): string;
  /** out[3]: packets received, dropped by the kernel, dropped by the interface, since pcapOpen. Also after pcapClose. */
  pcapStats(handle: PcapHandle, out: Float64Array): number;
  pcapClose(handle: PcapHandle): void;
  /** Throws UserError when there is no libpcap. */
  pcapVersion(): string;

  /** Sets ready[i] to 1 where fds[i] can be read or has an error; returns how many, or -errno. At most 256. */
  poll(fds: Int32Array, count: number, ready: Uint8Array, timeoutMs: number): number;
  /** A descriptor that any thread makes readable with wake(); or -errno. */
  wakeCreate(): number;
  wake(fd: number): number;
  wakeClear(fd: number): number;
  closeFd(fd: number): number;

  /** @param groups bit n - 1 joins multicast group n. Returns a descriptor or -errno. */
  netlinkOpen(protocol: number, groups: number, receiveBufferBytes: number, netnsPath: string): number;
  /** Returns octets or -errno. */
  netlinkSend(fd: number, bytes: Uint8Array, length: number): number;
  /** One datagram: octets or -errno (EAGAIN 11: none came, ENOBUFS 105: some were lost, EMSGSIZE 90: cut and gone). */
  netlinkReceive(fd: number, into: Uint8Array, timeoutMs: number): number;
  /** netlinkSend and one netlinkReceive; the caller compares the sequence number. */
  netlinkRequest(fd: number, request: Uint8Array, requestLength: number, reply: Uint8Array, timeoutMs: number): number;

  /**
   * Loads and attaches the BPF programs of native/bpf. Throws UserError('no-bpf') when none can be attached.
   * @param cgroupPath where a unified hierarchy is mounted; '': one is mounted that nobody else sees
   * @param tracing 0: only the programs of cgroups, which need neither CAP_PERFMON nor type information
   * @param socketRingBytes powers of two, at least a page
   * @param entries sockets, and tuples beyond the first of a socket, that the kernel's caches hold
   * @param fds out[4]: ring of sockets, ring of processes, program for bpfSnapshot or -1, map for bpfLost; valid in
   *   every thread until bpfClose
   */
  bpfOpen(
    cgroupPath: string,
    tracing: 0 | 1,
    socketRingBytes: number,
    processRingBytes: number,
    entries: number,
    fds: Int32Array,
  ): BpfHandle;
  bpfPrograms(handle: BpfHandle): readonly BpfProgram[];
  bpfClose(handle: BpfHandle): void;
  /** Maps the ring behind a descriptor of bpfOpen. Returns -errno when that fails. One reader a ring. */
  bpfRingOpen(fd: number, ringBytes: number): BpfRing | number;
  /**
   * Takes records out of the ring, as many as fit and are complete: u32 length, u32 0, the struct of native/bpf/events.h,
   * padded to 8. Never waits. poll() returns at once when there are any; while it sleeps it is woken when the ring is a
   * quarter full. Returns octets written.
   */
  bpfRingRead(ring: BpfRing, into: Uint8Array): number;
  bpfRingClose(ring: BpfRing): void;
  /**
   * Lists the internet sockets that processes hold, of all namespaces: struct snapshot_record of native/bpf/events.h.
   * Returns octets or -errno (ENOBUFS 105: `into` is too small).
   * @param pid only this process; absent or 0: all. Needs Linux 6.1.
   */
  bpfSnapshot(programFd: number, into: Uint8Array, pid?: number): number;
  /** out[2]: socket events and process events that found no room in their ring. Returns 0 or -errno. */
  bpfLost(mapFd: number, out: Float64Array): number;
  /**
   * Mounts the unified hierarchy where nobody else sees it. Returns a descriptor of it, which execReduced() keeps, or
   * -errno. Needs CAP_SYS_ADMIN and Linux 5.2.
   */
  cgroupMount(): number;
  /** SO_NETNS_COOKIE of a namespace; '' is that of the caller. Returns -errno (ENOPROTOOPT 92 before Linux 5.14). */
  netnsCookie(netnsPath: string): number;

  /** out[3]: CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_MONOTONIC in microseconds. */
  clocks(out: Float64Array): number;
  /** out[3]: masks of the effective, permitted and bounding capabilities of this thread. */
  capabilities(out: Float64Array): number;
  /**
   * Executes `path` in this process with no more than the capabilities of keepMask, as uid and gid.
   * Returns only when that failed, with -errno; then nothing has changed.
   */
  execReduced(
    keepMask: number,
    uid: number,
    gid: number,
    path: string,
    argv: readonly string[],
    envp: readonly string[],
  ): number;
  /** Sends `text` to $NOTIFY_SOCKET of systemd. Returns 0 or -errno. */
  sdNotify(socketPath: string, text: string): number;
}
