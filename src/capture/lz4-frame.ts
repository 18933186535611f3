/** LZ4 frames, https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md, decompressed as they come. */

const MAGIC = 0x184d2204;
const SKIPPABLE = 0x184d2a50; // to 0x184d2a5f: somebody's own data, with its length
const HISTORY = 65_536; // octets that a block may refer back to
const UNCOMPRESSED = 0x80000000;
const MIN_MATCH = 4;
const INPUT_ROOM = 1 << 16;

/** Bits of the frame's first flag octet. */
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const DICTIONARY = 0x01;
const SIZE_CODES: Readonly<Record<number, number>> = { 4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 1 << 22 };

/**
 * Frames one after the other. Checksums are not compared: a capture that was changed on the way shows it itself.
 * Memory: one block of at most 4 MiB and 64 KiB before it.
 */
export class Lz4Decoder {
  #input = new Uint8Array(INPUT_ROOM); // from `used` to `have`: what is not yet used of what was pushed
  #used = 0;
  #have = 0;
  #window = new Uint8Array(0); // 64 KiB of history, then one block
  #blockSize = 0;
  #flags = 0;
  #history = 0; // octets of the history, at its end
  #inFrame = false;
  #skip = 0;

  /** Whether the octets so far end with a frame. */
  get isComplete(): boolean {
    return !this.#inFrame && this.#used === this.#have && this.#skip === 0;
  }

  /** Calls `onBlock` with what came out; it is valid until the call ends. @throws RangeError for what is no LZ4 */
  push(octets: Uint8Array, onBlock: (block: Uint8Array) => void): void {
    this.#append(octets);
    for (let used = -1; used !== 0; ) {
      used = this.#step(this.#input.subarray(this.#used, this.#have), onBlock);
      this.#used += used;
    }
  }

  #append(octets: Uint8Array): void {
    const rest = this.#input.subarray(this.#used, this.#have);
    if (this.#input.length - this.#have < octets.length) {
      const size = rest.length + octets.length; // never more than a block and one push
      const target = size <= this.#input.length ? this.#input : new Uint8Array(size * 2);
      target.set(rest);
      this.#input = target;
      this.#have = rest.length;
      this.#used = 0;
    }
    this.#input.set(octets, this.#have);
    this.#have += octets.length;
  }

  /** @returns octets used, 0: more are needed */
  #step(input: Uint8Array, onBlock: (block: Uint8Array) => void): number {
    if (this.#skip > 0) {
      const used = Math.min(this.#skip, input.length);
      this.#skip -= used;
      return used;
    }
    return this.#inFrame ? this.#takeBlock(input, onBlock) : this.#beginFrame(input);
  }

  #beginFrame(input: Uint8Array): number {
    if (input.length < 8) return 0;
    const view = new DataView(input.buffer, input.byteOffset, input.length);
    const magic = view.getUint32(0, true);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      this.#skip = view.getUint32(4, true);
      return 8;
    }
    if (magic !== MAGIC) throw new RangeError('no LZ4 frame');
    const flags = view.getUint8(4);
    const size = SIZE_CODES[view.getUint8(5) >> 4];
    if (flags >> 6 !== 1 || size === undefined) throw new RangeError('an LZ4 frame of an unknown version');
    if ((flags & DICTIONARY) !== 0) throw new RangeError('an LZ4 frame that needs a dictionary');
    const header = 7 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8);
    if (view.byteLength < header) return 0;
    this.#flags = flags;
    this.#inFrame = true;
    this.#history = 0;
    if (size > this.#blockSize) {
      this.#blockSize = size;
      this.#window = new Uint8Array(HISTORY + size);
    }
    return header;
  }

  #takeBlock(input: Uint8Array, onBlock: (block: Uint8Array) => void): number {
    if (input.length < 4) return 0;
    const word = new DataView(input.buffer, input.byteOffset).getUint32(0, true);
    if (word === 0) return this.#endFrame(input);
    const size = word & ~UNCOMPRESSED;
    if (size > this.#blockSize) throw new RangeError(`an LZ4 block of ${size} octets`);
    const checksum = (this.#flags & BLOCK_CHECKSUM) === 0 ? 0 : 4;
    if (input.length < 4 + size + checksum) return 0;
    const block = input.subarray(4, 4 + size);
    const window = this.#window;
    let end = HISTORY + size;
    if (word >>> 31 === 1) window.set(block, HISTORY);
    else end = decompressBlock(block, window, HISTORY, HISTORY - this.#history);
    onBlock(window.subarray(HISTORY, end));
    window.copyWithin(0, end - HISTORY, end);
    this.#history = Math.min(HISTORY, this.#history + end - HISTORY);
    return 4 + size + checksum;
  }

  #endFrame(input: Uint8Array): number {
    const checksum = (this.#flags & CONTENT_CHECKSUM) === 0 ? 0 : 4;
    if (input.length < 4 + checksum) return 0;
    this.#inFrame = false;
    return 4 + checksum;
  }
}

/**
 * One block, lz4_Block_format.md: literals and matches that refer back.
 *
 * @param least first octet of `out` that may be referred to
 * @returns end of what was written to `out` from `start` on
 */
function decompressBlock(block: Uint8Array, out: Uint8Array, start: number, least: number): number {
  let at = 0;
  let to = start;
  while (at < block.length) {
    const token = block[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255 && at < block.length) literals += more = block[at++]!;
    }
    if (literals > block.length - at || literals > out.length - to) throw new RangeError('a damaged LZ4 block');
    out.set(block.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at === block.length) return to; // the last sequence is literals only
    if (block.length - at < 2) throw new RangeError('a damaged LZ4 block');
    const from = to - (block[at]! | (block[at + 1]! << 8));
    at += 2;
    let length = token & 15;
    if (length === 15) {
      let more = 255;
      while (more === 255 && at < block.length) length += more = block[at++]!;
    }
    length += MIN_MATCH;
    if (from < least || from === to || length > out.length - to) throw new RangeError('a damaged LZ4 block');
    if (to - from >= length) out.copyWithin(to, from, from + length);
    else for (let i = 0; i < length; i++) out[to + i] = out[from + i]!; // it repeats what it writes
    to += length;
  }
  return to;
}
