/** The host of a request of HTTP/1, RFC 9112 section 3.2. */
import { hostName } from './host-name.ts';
import type { Say } from './say.ts';

const [LF, CR, SPACE, TAB, COLON, BRACKET] = [0x0a, 0x0d, 0x20, 0x09, 0x3a, 0x5b];

const ascii = (text: string): readonly number[] => [...text].map((character) => character.charCodeAt(0));
const word = (text: string): number => ascii(text).reduce((sum, octet) => (sum << 8) | octet, 0);

const METHODS = ['GET ', 'HEAD', 'POST', 'PUT ', 'DELE', 'CONN', 'OPTI', 'TRAC', 'PATC'];
const METHOD_WORDS: ReadonlySet<number> = new Set(METHODS.map(word));

/** First octets of streams that may be requests. */
export const HTTP_STARTS: readonly number[] = METHODS.map((method) => method.charCodeAt(0));
const VERSION = ascii(' HTTP/1.');
const HOST = ascii('host:');

/** Whether a stream whose first four octets are these may be a request. */
export function isHttpStart(octets: number): boolean {
  return METHOD_WORDS.has(octets);
}

/** A StreamParser. */
export function readHttp(stream: Uint8Array, say: Say): boolean {
  let start = 0;
  for (let line = 0; ; line++) {
    const end = stream.indexOf(LF, start);
    if (end < 0) return true;
    const text = stream.subarray(start, stream[end - 1] === CR ? end - 1 : end);
    start = end + 1;
    if (line === 0) {
      if (!holds(text, text.length - VERSION.length - 1, VERSION)) return false;
    } else if (text.length === 0) return false;
    else if (holds(text, 0, HOST)) {
      const name = hostName(withoutPort(trim(text.subarray(HOST.length))));
      if (name !== undefined) say.flow('http', name);
      return false;
    }
  }
}

/** Whether `text` has these octets at `at`, letters in either case. */
function holds(text: Uint8Array, at: number, octets: readonly number[]): boolean {
  return (
    at >= 0 &&
    octets.every((octet, i) => text[at + i] === octet || (isLetter(octet) && text[at + i] === (octet ^ 0x20)))
  );
}

function isLetter(octet: number): boolean {
  return (octet | 0x20) >= 0x61 && (octet | 0x20) <= 0x7a;
}

function trim(text: Uint8Array): Uint8Array {
  let [from, to] = [0, text.length];
  while (from < to && (text[from] === SPACE || text[from] === TAB)) from++;
  while (from < to && (text[to - 1] === SPACE || text[to - 1] === TAB)) to--;
  return text.subarray(from, to);
}

/** Empty for an address of IPv6, which stands in brackets. */
function withoutPort(text: Uint8Array): Uint8Array {
  if (text[0] === BRACKET) return text.subarray(0, 0);
  const colon = text.indexOf(COLON);
  return colon < 0 ? text : text.subarray(0, colon);
}
