/** Where an end of a flow is, as far as addresses and protocol tell it: before any socket is known. */
import { FlowSide, type Reason } from '../core/attribution.ts';
import { K_FIRST, K_SECOND, keyFirstPort, keyProtocol, keySecondPort, Protocol } from '../core/tuple.ts';
import type { LocalAddresses } from './local-addresses.ts';
import { Standing } from './pending-ends.ts';

export const IGMP = 2;

export interface EndPlace {
  readonly standing: number; // Standing
  readonly reason: Reason | null; // said at once; null: a socket of this namespace has to be found
  readonly isSettled: boolean; // no socket can change the reason
  readonly isMulticast: boolean;
}

const LOCAL: EndPlace = { standing: Standing.Local, reason: null, isSettled: false, isMulticast: false };
const GROUP: EndPlace = { ...LOCAL, isMulticast: true };

/** @param key with that end first */
export function placeOf(addresses: LocalAddresses, netns: number, key: Int32Array, side: number): EndPlace {
  const locality = addresses.classify(netns, key, K_FIRST);
  const kernel = kernelsPart(key, side);
  if (locality === 'remote') {
    const isElsewhere = addresses.isElsewhere(netns, key, K_FIRST);
    const isForwarded = !isElsewhere && !hasPeerHere(addresses, netns, key, side);
    const standing = isForwarded ? Standing.Forwarded : Standing.NotLocal;
    const forwarded = addresses.isListed(netns) ? 'forwarded' : 'no-socket'; // nobody can say that it is not this host
    const reason = isElsewhere ? 'other-netns' : isForwarded ? forwarded : 'not-local';
    return { standing, reason, isSettled: kernel !== 'none', isMulticast: false };
  }
  if (kernel === 'none') return locality === 'multicast' ? GROUP : LOCAL;
  return { standing: Standing.Kernel, reason: 'kernel', isSettled: kernel === 'all', isMulticast: false };
}

/** Nobody sends from a group: as a source it is another host's doing. */
function hasPeerHere(addresses: LocalAddresses, netns: number, key: Int32Array, side: number): boolean {
  const peer = addresses.classify(netns, key, K_SECOND);
  return side === FlowSide.Src ? peer !== 'remote' : peer === 'local';
}

/**
 * ICMP without an echo id and IGMP are the kernel's, and so is the answering end of an echo. What this host sends of
 * the first may be a raw socket's, if one is known to have sent it.
 */
function kernelsPart(key: Int32Array, side: number): 'all' | 'most' | 'none' {
  const protocol = keyProtocol(key);
  if (protocol === IGMP) return 'all';
  if (protocol !== Protocol.Icmp && protocol !== Protocol.Icmp6) return 'none';
  if (side === FlowSide.Dst) return 'all';
  return keyFirstPort(key) !== 0 || keySecondPort(key) !== 0 ? 'none' : 'most';
}
