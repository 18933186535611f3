/** Recorded netlink answers of test/fixtures/netlink, and a transport that answers requests from them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NetlinkTransport } from '../../src/linux/netlink-client.ts';

/** Datagrams of a file of hex octets; # begins a comment, a blank line ends a datagram. */
export function readHex(name: string): Uint8Array[] {
  const text = readFileSync(join('test', 'fixtures', 'netlink', name), 'latin1');
  return text
    .replace(/#.*\n/g, '')
    .split(/\n\n+/)
    .map((part) => Uint8Array.from(part.trim().split(/\s+/).filter(Boolean), (octet) => parseInt(octet, 16)))
    .filter((datagram) => datagram.length > 0);
}

export interface FakeTransport extends NetlinkTransport {
  readonly requests: Uint8Array[]; // copies of what was sent
  closed: boolean;
}

/**
 * Gives the datagrams (or -errno numbers) of `answer` for every request, with its sequence number in every message;
 * -EAGAIN when they are used up.
 */
export function fakeTransport(
  answer: (request: Uint8Array, n: number) => readonly (Uint8Array | number)[],
): FakeTransport {
  const requests: Uint8Array[] = [];
  let waiting: (Uint8Array | number)[] = [];
  return {
    requests,
    closed: false,
    send(bytes, length) {
      const request = bytes.slice(0, length);
      requests.push(request);
      const sequence = new DataView(request.buffer).getUint32(8, true);
      for (const datagram of answer(request, requests.length)) {
        waiting.push(typeof datagram === 'number' ? datagram : withSequence(datagram, sequence));
      }
      return length;
    },
    receive(into) {
      const next = waiting.shift() ?? -11;
      if (typeof next === 'number') return next;
      into.set(next);
      return next.length;
    },
    close() {
      waiting = [];
      this.closed = true;
    },
  };
}

/** Recordings have sequence number 1; other numbers stand for answers that belong to another request. */
function withSequence(datagram: Uint8Array, sequence: number): Uint8Array {
  const copy = datagram.slice();
  const view = new DataView(copy.buffer);
  for (let at = 0; at + 16 <= copy.length; ) {
    if (view.getUint32(at + 8, true) === 1) view.setUint32(at + 8, sequence, true);
    const length = view.getUint32(at, true);
    if (length < 16) break;
    at += (length + 3) & ~3;
  }
  return copy;
}

/** One message, little-endian. */
export function message(type: number, payload: readonly number[], flags = 0, sequence = 1): Uint8Array {
  const bytes = new Uint8Array((16 + payload.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 16 + payload.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  bytes.set(payload, 16);
  return bytes;
}
