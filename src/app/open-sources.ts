import { UserError } from '../core/errors.ts';
import type { Us } from '../core/time.ts';
import type { ProcFs } from '../linux/proc-fs.ts';
import { Route } from '../linux/route.ts';
import { SockDiag } from '../linux/sock-diag.ts';
import { loadNative, type Native } from '../native/binding.ts';
import { NETLINK_ROUTE, NETLINK_SOCK_DIAG, openNetlink } from './netlink-transport.ts';
import type { Addresses } from './observer.ts';
import { DiagSource, ProcNetSource, type SocketSource } from './socket-source.ts';

/** Layers that --sources can pin; `auto` means all, best first. */
export const SOURCE_NAMES = ['diag', 'proc'] as const;
export type SourceName = (typeof SOURCE_NAMES)[number];

export interface OpenSources {
  readonly sources: readonly SocketSource[];
  readonly readAddresses: () => Addresses;
  close(): void;
}

/** Opens the wanted layers; one that the kernel refuses is left out (doctor and the start of `record` say so). */
export function openSources(native: Native, proc: ProcFs, wanted: readonly SourceName[], nowUs: () => Us): OpenSources {
  const sources: SocketSource[] = [];
  const diag = wanted.includes('diag') ? openDiag(native, nowUs) : undefined;
  if (diag !== undefined) sources.push(new DiagSource(diag, nowUs));
  if (wanted.includes('proc')) {
    sources.push(new ProcNetSource(proc, 'thread-self/net', nowUs, diag === undefined ? 'only' : 'beside-diag'));
  }
  const route = new Route(openNetlink(native, NETLINK_ROUTE));
  const close = (): void => {
    diag?.close();
    route.close();
  };
  return { sources, readAddresses: () => localAddresses(route), close };
}

/** For one listing: undefined when there is no addon, or the kernel refuses. */
export function tryDiag(netnsPath = ''): SockDiag | undefined {
  try {
    return openDiag(loadNative(), () => 0, netnsPath);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function openDiag(native: Native, nowUs: () => Us, netnsPath = ''): SockDiag | undefined {
  try {
    return new SockDiag(openNetlink(native, NETLINK_SOCK_DIAG, netnsPath), nowUs);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function localAddresses(route: Route): Addresses {
  const all = route.addresses();
  return {
    unicast: all.map((address) => address.words),
    broadcast: all.flatMap((address) => (address.broadcast === null ? [] : [address.broadcast])),
  };
}
