/** IPv6 header and extension headers, RFC 8200 sections 3 and 4; authentication header, RFC 4302 section 2.2. */
import { DecodeStatus } from '../core/decoded.ts';
import { K_FIRST, K_META, K_SCOPE, K_SECOND, KEY_WORDS, packMeta } from '../core/tuple.ts';
import { LINK_LOCAL } from './address-bits.ts';
import { decodeTransport, skipTransport } from './transport.ts';
import type { Status, Work } from './work.ts';

const PAYLOAD_LENGTH = 4; // octets from the header start
const NEXT_HEADER = 6;
const SRC = 8;
const DST = 24;
const HEADER = 40; // octets

const HOP_BY_HOP = 0; // protocol numbers of the extension headers
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION = 60;
const MIN_EXTENSION = 8; // octets

/** Ok as soon as both addresses can be read; see work.ts for the contract. */
export function decodeIpv6(work: Work, i: number, at: number, end: number): Status {
  const view = work.view;
  if (end - at < HEADER) return DecodeStatus.Truncated;
  if (view.getUint8(at) >> 4 !== 6) return DecodeStatus.Malformed;
  const protocol = view.getUint8(at + NEXT_HEADER);
  const src = view.getInt32(at + SRC);
  const dst = view.getInt32(at + DST);
  const { key, ipAt, ipBytes } = work.out;
  ipAt[i] = at;
  const row = i * KEY_WORDS;
  key[row + K_META] = packMeta(protocol, 6, work.batch.netns);
  key[row + K_SCOPE] = src >>> 22 === LINK_LOCAL || dst >>> 22 === LINK_LOCAL ? work.batch.ifindex[i]! : 0;
  key[row + K_FIRST] = src;
  key[row + K_FIRST + 1] = view.getInt32(at + SRC + 4);
  key[row + K_FIRST + 2] = view.getInt32(at + SRC + 8);
  key[row + K_FIRST + 3] = view.getInt32(at + SRC + 12);
  key[row + K_SECOND] = dst;
  key[row + K_SECOND + 1] = view.getInt32(at + DST + 4);
  key[row + K_SECOND + 2] = view.getInt32(at + DST + 8);
  key[row + K_SECOND + 3] = view.getInt32(at + DST + 12);

  // 0 in a jumbogram (RFC 2675) and before segmentation (BIG TCP); a length that the frame cannot hold is a lie.
  const onWire = work.frameEnd - at;
  const payload = view.getUint16(at + PAYLOAD_LENGTH);
  const length = payload !== 0 && payload + HEADER <= onWire ? payload + HEADER : onWire;
  ipBytes[i] = length;
  const ipEnd = length < end - at ? at + length : end; // Ethernet padding holds no ports
  if (isExtension(protocol)) decodeExtensions(work, i, protocol, at + HEADER, ipEnd);
  else decodeTransport(work, i, protocol, at + HEADER, ipEnd);
  return DecodeStatus.Ok;
}

function isExtension(protocol: number): boolean {
  return (
    protocol === HOP_BY_HOP ||
    protocol === ROUTING ||
    protocol === FRAGMENT ||
    protocol === AUTHENTICATION ||
    protocol === DESTINATION
  );
}

/** Every header is at least eight octets long, so the packet's end bounds the loop. */
function decodeExtensions(work: Work, i: number, first: number, start: number, end: number): void {
  const view = work.view;
  let protocol = first;
  let at = start;
  let firstFragment = false;
  let id = 0;
  while (isExtension(protocol) && end - at >= MIN_EXTENSION) {
    if (protocol === FRAGMENT) {
      const offsetAndMore = view.getUint16(at + 2) & 0xfff9;
      id = view.getInt32(at + 4);
      // The key has no protocol: next headers of fragments may differ, the first one's counts (RFC 8200 section 4.5).
      if (offsetAndMore > 1) {
        setProtocol(work, i, view.getUint8(at));
        skipTransport(work, i);
        work.fragments.join(work.out, i, FRAGMENT, id, work.batch.sec[i]!);
        return;
      }
      firstFragment = offsetAndMore === 1;
    }
    const length = view.getUint8(at + 1);
    const next = view.getUint8(at);
    if (protocol === HOP_BY_HOP) readJumbo(work, i, at, Math.min(end, at + ((length + 1) << 3)));
    at += protocol === FRAGMENT ? MIN_EXTENSION : protocol === AUTHENTICATION ? (length + 2) << 2 : (length + 1) << 3;
    protocol = next;
  }
  setProtocol(work, i, protocol);
  if (isExtension(protocol)) {
    skipTransport(work, i); // cut off
    return;
  }
  decodeTransport(work, i, protocol, at, end);
  if (firstFragment) work.fragments.remember(work.out, i, FRAGMENT, id, work.batch.sec[i]!);
}

const JUMBO = 0xc2; // option type and length, RFC 2675 section 2
const JUMBO_OCTETS = 4;
const PAD_1 = 0; // the one option without a length
const MIN_JUMBO = 65_536; // octets: less is said in the header

/** The length of a jumbogram, when the frame can hold it. @param end of the hop-by-hop options that start at `at` */
function readJumbo(work: Work, i: number, at: number, end: number): void {
  const { view, out } = work;
  const ipAt = out.ipAt[i]!;
  if (view.getUint16(ipAt + PAYLOAD_LENGTH) !== 0) return;
  for (let option = at + 2; end - option >= 2 + JUMBO_OCTETS; ) {
    const type = view.getUint8(option);
    const length = view.getUint8(option + 1);
    if (type === JUMBO && length === JUMBO_OCTETS) {
      const payload = view.getUint32(option + 2);
      if (payload >= MIN_JUMBO && payload + HEADER <= work.frameEnd - ipAt) out.ipBytes[i] = payload + HEADER;
      return;
    }
    option += type === PAD_1 ? 1 : 2 + length;
  }
}

function setProtocol(work: Work, i: number, protocol: number): void {
  work.out.key[i * KEY_WORDS + K_META] = packMeta(protocol, 6, work.batch.netns);
}
