/** What it means that rows are fragments of one datagram. */
import { K_FIRST, K_META, K_PORTS, keyNetns } from '../core/tuple.ts';

export const ADDRESS_WORDS = 8; // both addresses, K_FIRST to the end of the key

/** Then an identification may stand for another datagram: ip6frag_time; IPv4 gives up after 30 s (ip-sysctl.rst of the kernel). */
export const FRAGMENT_LIFETIME_SEC = 60;

/** Whether the keys at `a[at]` and `b[bt]` have addresses and namespace in common. */
export function sameEnds(a: Int32Array, at: number, b: Int32Array, bt: number): boolean {
  if (keyNetns(a, at) !== keyNetns(b, bt)) return false;
  for (let w = 0; w < ADDRESS_WORDS; w++) if (a[at + K_FIRST + w] !== b[bt + K_FIRST + w]) return false;
  return true;
}

/** Gives the key at `a[at]` protocol and ports of the first fragment, at `b[bt]`. */
export function joinFirst(a: Int32Array, at: number, b: Int32Array, bt: number): void {
  a[at + K_META] = b[bt + K_META]!;
  a[at + K_PORTS] = b[bt + K_PORTS]!;
}
