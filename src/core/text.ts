/** Text that others chose (comm, paths, argv, names): made harmless once, at intake. */

/** Longest text kept of one hostile field, in characters. */
export const MAX_TEXT = 4096;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Octets of unknown encoding to text: `\` becomes `\\`, invalid UTF-8 becomes \xNN, at most `most` characters. */
export function decodeHostile(bytes: Uint8Array, most = MAX_TEXT): string {
  const cut = bytes.subarray(0, most * 4);
  let text: string;
  try {
    text = decoder.decode(cut).replaceAll('\\', '\\\\');
  } catch {
    text = decodeInvalid(cut, most);
  }
  return text.length <= most ? text : text.slice(0, most);
}

const encoder = new TextEncoder();

/** The octets that decodeHostile() made that text of. */
export function encodeHostile(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  let to = bytes.indexOf(BACKSLASH);
  if (to === -1) return bytes;
  for (let at = to; at < bytes.length; to++) {
    const isCode = bytes[at] === BACKSLASH && bytes[at + 1] === LETTER_X;
    bytes[to] = isCode ? Number.parseInt(String.fromCharCode(bytes[at + 2]!, bytes[at + 3]!), 16) : bytes[at]!;
    at += isCode ? 4 : bytes[at] === BACKSLASH ? 2 : 1;
  }
  return bytes.subarray(0, to);
}

const BACKSLASH = 0x5c;
const LETTER_X = 0x78;

/** The slow path, only for text with a broken sequence in it. */
function decodeInvalid(bytes: Uint8Array, most: number): string {
  let text = '';
  for (let i = 0; i < bytes.length && text.length < most; ) {
    const length = sequenceLength(bytes, i);
    if (length === 0) text += `\\x${bytes[i++]!.toString(16).padStart(2, '0')}`;
    else {
      const character = decoder.decode(bytes.subarray(i, i + length));
      text += character === '\\' ? '\\\\' : character;
      i += length;
    }
  }
  return text;
}

/** @returns octets of the valid UTF-8 sequence at `at`, 0 when there is none (RFC 3629 section 4) */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (at + length > bytes.length) return 0;
  try {
    decoder.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}
