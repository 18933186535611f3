import { createColumns } from '../../../core/columns.ts';
import { SOCKET_COLUMNS, SocketState } from '../../../core/socket.ts';
import type { Us } from '../../../core/time.ts';
import { Protocol } from '../../../core/tuple.ts';
import type { ProcFs } from '../../../linux/proc-fs.ts';
import { PROC_NET_FILES } from '../../../linux/proc-net.ts';
import { Route } from '../../../linux/route.ts';
import { SockDiag } from '../../../linux/sock-diag.ts';
import { SOCKET_END_GROUPS, SocketEnds } from '../../../linux/socket-ends.ts';
import { AF_INET } from '../../../linux/socket-key.ts';
import type { Native } from '../../../native/binding.ts';
import { type Addresses, localAddresses } from '../address-watch.ts';
import { NETLINK_ROUTE, NETLINK_SOCK_DIAG, openNetlink, tryNetlink } from '../netlink-transport.ts';
import { DiagSource, type Pace, ProcNetSource, type SocketSource } from './socket-source.ts';

const DUMPED: readonly number[] = [Protocol.Tcp, Protocol.Udp, Protocol.UdpLite, Protocol.Raw, Protocol.Sctp];

/** Layers that --sources can pin; `auto` means all, best first. */
export const SOURCE_NAMES = ['bpf', 'cgroup', 'diag', 'proc'] as const;
export type SourceName = (typeof SOURCE_NAMES)[number];

export interface OpenSources {
  readonly sources: readonly SocketSource[];
  readonly readAddresses: () => Addresses;
  close(): void;
}

/**
 * Opens the wanted layers; one that the kernel refuses is left out (doctor and the start of `record` say so).
 *
 * @param pace slow: the kernel tells by itself, what is asked for here is only a net below that
 */
export function openSources(
  native: Native,
  proc: ProcFs,
  wanted: readonly SourceName[],
  nowUs: () => Us,
  pace: Pace = 'fast',
): OpenSources {
  const sources: SocketSource[] = [];
  const diag = wanted.includes('diag') ? openDiag(native, nowUs) : undefined;
  const dumped = diag === undefined ? [] : DUMPED.filter((protocol) => answers(diag, protocol));
  if (diag !== undefined) sources.push(new DiagSource(diag, dumped, nowUs, pace));
  if (wanted.includes('proc')) {
    const files = PROC_NET_FILES.filter((file) => file.ports === 'icmp-id' || !dumped.includes(file.protocol));
    sources.push(new ProcNetSource(proc, 'thread-self/net', files, nowUs, pace));
  }
  const route = new Route(openNetlink(native, NETLINK_ROUTE));
  const close = (): void => {
    diag?.close();
    route.close();
  };
  return { sources, readAddresses: () => localAddresses(route), close };
}

/** Each protocol is a kernel module of its own. */
function answers(diag: SockDiag, protocol: number): boolean {
  return diag.dump(protocol, AF_INET, 1 << SocketState.SynSent, createColumns(SOCKET_COLUMNS)) === 0;
}

/** Undefined when the kernel refuses. */
export function openDiag(native: Native, nowUs: () => Us): SockDiag | undefined {
  const socket = tryNetlink(native, NETLINK_SOCK_DIAG);
  return socket && new SockDiag(socket, nowUs);
}

/** Undefined when the kernel refuses. */
export function openSocketEnds(
  native: Native,
  nowUs: () => Us,
  groups: number = SOCKET_END_GROUPS,
): SocketEnds | undefined {
  const socket = tryNetlink(native, NETLINK_SOCK_DIAG, '', groups);
  return socket && new SocketEnds(socket, nowUs);
}
