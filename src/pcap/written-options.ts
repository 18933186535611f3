/** Options of pcapng blocks as octets: code, length, value, padding. */

const HEADER = 4;
const LONGEST = 0xffff;
const encoder = new TextEncoder();
const room = new Uint8Array(LONGEST);

/** @param value what is beyond 65,535 octets is left out */
export function octetsOption(code: number, value: Uint8Array, littleEndian: boolean): Uint8Array {
  const length = Math.min(value.length, LONGEST);
  const bytes = new Uint8Array(HEADER + length + (-length & 3));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, code, littleEndian);
  view.setUint16(2, length, littleEndian);
  bytes.set(value.subarray(0, length), HEADER);
  return bytes;
}

/** The same of a text, which ends with a whole character. */
export function textOption(code: number, text: string, littleEndian: boolean): Uint8Array {
  return octetsOption(code, room.subarray(0, encoder.encodeInto(text, room).written), littleEndian);
}

/** @param words 32-bit numbers */
export function wordsOption(code: number, words: readonly number[], littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(HEADER + 4 * words.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, code, littleEndian);
  view.setUint16(2, 4 * words.length, littleEndian);
  for (let i = 0; i < words.length; i++) view.setUint32(HEADER + 4 * i, words[i]!, littleEndian);
  return bytes;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
