/** Domain names in messages, with compression, RFC 1035 section 4.1.4. */
import { decodeHostile } from '../core/text.ts';
import { lowerCase } from './host-name.ts';
import type { Octets } from './octets.ts';

const POINTER = 0xc0; // the two highest bits of a length
const MAX_NAME = 255; // octets, with the lengths

/**
 * Reads the name at `octets.at` and moves behind it. Lower case, without the final dot; a dot inside a label is `\.`.
 * Each pointer must lead further back than the one before, so no chain of them has an end in itself.
 *
 * @returns undefined when it is no name; `octets` then stands behind as much of it as could be read
 */
export function readDomainName(octets: Octets): string | undefined {
  const { bytes } = octets;
  const labels: string[] = [];
  let total = 1;
  let at = octets.at;
  let limit = at; // where a pointer may lead: before this
  let isMoved = false;
  for (;;) {
    const length = at < bytes.length ? bytes[at]! : undefined;
    if (length === undefined) {
      octets.skip(octets.left + 1); // the message is cut here
      return undefined;
    }
    if ((length & POINTER) === POINTER) {
      if (!isMoved) octets.skip(at + 2 - octets.at);
      isMoved = true;
      const target = ((length & ~POINTER) << 8) | (bytes[at + 1] ?? 0);
      if (target >= limit) return undefined;
      limit = target;
      at = target;
      continue;
    }
    total += 1 + length;
    if ((length & POINTER) !== 0 || total > MAX_NAME + 1) {
      octets.isShort = true; // where it ends is not known
      return undefined;
    }
    at += 1 + length;
    if (length === 0) break;
    labels.push(decodeHostile(bytes.subarray(at - length, at)).replaceAll('.', '\\.'));
  }
  if (!isMoved) octets.skip(at - octets.at);
  return octets.isShort ? undefined : lowerCase(labels.join('.'));
}
