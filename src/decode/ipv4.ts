/** IPv4 header, RFC 791 section 3.1. */
import { DecodeStatus } from '../core/decoded.ts';
import { K_FIRST, K_META, K_SCOPE, K_SECOND, KEY_WORDS, packMeta } from '../core/tuple.ts';
import { MAPPED } from './address-bits.ts';
import { decodeTransport, skipTransport } from './transport.ts';
import type { Status, Work } from './work.ts';

const TOTAL_LENGTH = 2; // octets from the header start
const IDENTIFICATION = 4;
const FRAGMENT = 6; // flags and offset
const PROTOCOL = 9;
const SRC = 12;
const DST = 16;
const MIN_HEADER = 20; // octets

const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;

/** Ok as soon as both addresses can be read; see work.ts for the contract. */
export function decodeIpv4(work: Work, i: number, at: number, end: number): Status {
  const view = work.view;
  if (end - at < MIN_HEADER) return DecodeStatus.Truncated;
  const first = view.getUint8(at);
  if (first >> 4 !== 4) return DecodeStatus.Malformed;
  const headerLength = (first & 0x0f) << 2;
  const protocol = view.getUint8(at + PROTOCOL);
  const { key, ipAt, ipBytes } = work.out;
  ipAt[i] = at;
  const row = i * KEY_WORDS;
  key[row + K_META] = packMeta(protocol, 4, work.batch.netns);
  key[row + K_SCOPE] = 0;
  key[row + K_FIRST] = 0;
  key[row + K_FIRST + 1] = 0;
  key[row + K_FIRST + 2] = MAPPED;
  key[row + K_FIRST + 3] = view.getInt32(at + SRC);
  key[row + K_SECOND] = 0;
  key[row + K_SECOND + 1] = 0;
  key[row + K_SECOND + 2] = MAPPED;
  key[row + K_SECOND + 3] = view.getInt32(at + DST);

  // 0 before the network card has segmented (TSO, BIG TCP); a length that the frame cannot hold is a lie.
  const onWire = work.frameEnd - at;
  const totalLength = view.getUint16(at + TOTAL_LENGTH);
  const length = totalLength >= headerLength && totalLength !== 0 && totalLength <= onWire ? totalLength : onWire;
  ipBytes[i] = length;

  if (headerLength < MIN_HEADER) {
    skipTransport(work, i); // nobody knows where it is
    return DecodeStatus.Ok;
  }
  const next = at + headerLength;
  const ipEnd = length < end - at ? at + length : end; // Ethernet padding holds no ports
  const fragment = view.getUint16(at + FRAGMENT);
  if ((fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) === 0) {
    decodeTransport(work, i, protocol, next, ipEnd);
    return DecodeStatus.Ok;
  }
  const id = view.getUint16(at + IDENTIFICATION);
  if ((fragment & FRAGMENT_OFFSET) !== 0) {
    skipTransport(work, i);
    work.fragments.join(work.out, i, protocol, id, work.batch.sec[i]!);
  } else {
    decodeTransport(work, i, protocol, next, ipEnd);
    work.fragments.remember(work.out, i, protocol, id, work.batch.sec[i]!);
  }
  return DecodeStatus.Ok;
}
