/** ICMP echo, RFC 792 page 14, and ICMPv6 echo, RFC 4443 section 4. */
import { K_PORTS, KEY_WORDS, packPorts } from '../core/tuple.ts';
import type { Work } from './work.ts';

const IDENTIFIER = 4; // octets from the header start
const MIN_ECHO = 6; // octets up to the identifier's end

const ECHO_REPLY = 0;
const ECHO_REQUEST = 8;
const ECHO6_REQUEST = 128;
const ECHO6_REPLY = 129;

export function decodeIcmp(work: Work, i: number, at: number, end: number): void {
  decodeEcho(work, i, at, end, ECHO_REQUEST, ECHO_REPLY);
}

export function decodeIcmp6(work: Work, i: number, at: number, end: number): void {
  decodeEcho(work, i, at, end, ECHO6_REQUEST, ECHO6_REPLY);
}

/** The identifier is what the asking socket has in place of a port, so it stands at the end that asks. */
function decodeEcho(work: Work, i: number, at: number, end: number, request: number, reply: number): void {
  if (end - at < MIN_ECHO) return;
  const type = work.view.getUint8(at);
  const id = work.view.getUint16(at + IDENTIFIER);
  if (type === request) work.out.key[i * KEY_WORDS + K_PORTS] = packPorts(id, 0);
  else if (type === reply) work.out.key[i * KEY_WORDS + K_PORTS] = packPorts(0, id);
}
