/** Host names as others wrote them, in one form. */
import { parseAddress } from '../core/address.ts';
import { decodeHostile } from '../core/text.ts';

const MAX_NAME = 255; // octets, RFC 1035 section 2.3.4

/** @returns undefined for what cannot be a name: nothing, too much, or an address in its place */
export function hostName(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_NAME) return undefined;
  const name = lowerCase(decodeHostile(bytes)).replace(/\.$/, '');
  return name === '' || parseAddress(name) !== undefined ? undefined : name;
}

/** Of ASCII only: names are compared so (RFC 4343), and resolvers send random case to tell answers apart. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
