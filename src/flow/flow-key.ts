/** Hash and comparison of five-tuples that do not care which end is first: both directions of a flow meet. */
import { K_FIRST, K_META, K_PORTS, K_SCOPE, K_SECOND } from '../core/tuple.ts';

const M1 = 0x85ebca6b; // odd multipliers of murmur3 and xxHash32
const M2 = 0xc2b2ae35;
const M3 = 0x27d4eb2f;
const IPV4 = 4;

/**
 * 32-bit hash of the key at `key[at]`, the same for both orders of its ends and in all namespaces: sightings of one
 * packet meet in one place of the index.
 *
 * @param seed random and secret: senders choose tuples, they must not be able to choose collisions
 */
export function hashKey(key: Int32Array, at: number, seed: number): number {
  const meta = key[at + K_META]! & 0xffff;
  const ports = key[at + K_PORTS]!;
  let first = seed;
  let second = seed;
  if (meta >>> 8 !== IPV4) {
    const scope = seed ^ key[at + K_SCOPE]!;
    first = mixIpv6(key, at + K_FIRST, scope);
    second = mixIpv6(key, at + K_SECOND, scope);
  }
  const a = mixEnd(first ^ key[at + K_FIRST + 3]!, ports >>> 16);
  const b = mixEnd(second ^ key[at + K_SECOND + 3]!, ports & 0xffff);
  const h = Math.imul((a + b) ^ meta, M3);
  return h ^ (h >>> 15);
}

/** The last step is not linear: otherwise the sum of both ends would only depend on the sum of both ports. */
function mixEnd(address: number, port: number): number {
  let h = Math.imul(address, M1);
  h = Math.imul(h ^ (h >>> 15) ^ port, M2);
  return h ^ (h >>> 13);
}

function mixIpv6(key: Int32Array, at: number, seed: number): number {
  let h = Math.imul(key[at]! ^ seed, M2);
  h = Math.imul(h ^ (h >>> 15) ^ key[at + 1]!, M3);
  h = Math.imul(h ^ (h >>> 13) ^ key[at + 2]!, M1);
  return h ^ (h >>> 16);
}

export const DIFFERENT = -1;

/**
 * Compares two keys of the same hash.
 *
 * @returns 0: equal, 1: equal with the ends exchanged, DIFFERENT. Both ends alike is 0.
 */
export function compareKeys(a: Int32Array, at: number, b: Int32Array, bt: number): number {
  if (a[at + K_META] !== b[bt + K_META]) return DIFFERENT;
  const ports = a[at + K_PORTS]!;
  const otherPorts = b[bt + K_PORTS]!;
  const a3 = a[at + K_FIRST + 3]!;
  const a7 = a[at + K_SECOND + 3]!;
  const b3 = b[bt + K_FIRST + 3]!;
  const b7 = b[bt + K_SECOND + 3]!;
  // No branch on the direction, which no predictor can guess (measured, see test/bench).
  const same = (ports ^ otherPorts) | (a3 ^ b3) | (a7 ^ b7);
  const reverse = (((ports >>> 16) | (ports << 16)) ^ otherPorts) | (a3 ^ b7) | (a7 ^ b3);
  if (((a[at + K_META]! >>> 8) & 0xff) !== IPV4) return compareIpv6(a, at, b, bt, same, reverse);
  return direction(same, reverse);
}

/** The words that are constant in IPv4. */
function compareIpv6(a: Int32Array, at: number, b: Int32Array, bt: number, same: number, reverse: number): number {
  const scope = a[at + K_SCOPE]! ^ b[bt + K_SCOPE]!;
  let forth = same | scope;
  let back = reverse | scope;
  for (let w = 0; w < 3; w++) {
    const a0 = a[at + K_FIRST + w]!;
    const a4 = a[at + K_SECOND + w]!;
    const b0 = b[bt + K_FIRST + w]!;
    const b4 = b[bt + K_SECOND + w]!;
    forth |= (a0 ^ b0) | (a4 ^ b4);
    back |= (a0 ^ b4) | (a4 ^ b0);
  }
  return direction(forth, back);
}

/** @param same 0 when the keys are equal @param reverse 0 when they are equal with the ends exchanged */
function direction(same: number, reverse: number): number {
  const notSame = (same | -same) >>> 31; // 1 unless same is 0
  const notReverse = (reverse | -reverse) >>> 31;
  return (notSame & notReverse) === 0 ? notSame : DIFFERENT;
}
