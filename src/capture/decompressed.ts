/** The octets inside a compressed file, decompressed in big pieces while packets are counted. */
import { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { UserError } from '../core/errors.ts';
import type { Compression } from '../pcap/formats.ts';
import { Lz4Decoder } from './lz4-frame.ts';
import type { OctetSource } from './octets.ts';
import { Pieces } from './pieces.ts';

const PIECE = 1 << 18; // octets that come out at once
const INPUT = 1 << 16; // octets that go in at once: of gzip 68 MB can come out
const WAITING = 4 << 20; // octets that may wait before more goes in

/** More than this out of so little is a bomb, not a capture: packets differ at least in their times. */
const MOST_RATIO = 250;
const RATIO_FREE = 1 << 30; // octets that may come out of anything

/** Zstandard came to Node with 22.15. */
interface Zstd {
  readonly createZstdDecompress?: (options: { readonly chunkSize: number }) => Transform;
}

/** @throws UserError when this Node cannot decompress it */
function decompressor(compression: Compression, name: string): Transform {
  if (compression === 'gzip') return zlib.createGunzip({ chunkSize: PIECE });
  if (compression === 'lz4') return lz4();
  const { createZstdDecompress } = zlib as Zstd;
  if (createZstdDecompress !== undefined) return createZstdDecompress({ chunkSize: PIECE });
  const what = `${name} is compressed with zstd, which Node ${process.versions.node} cannot read`;
  throw new UserError('no-zstd', what, `Use Node 22.15 or newer, or: zstd -dc ${name} | pcapid read -`);
}

function lz4(): Transform {
  const decoder = new Lz4Decoder();
  return new Transform({
    transform(octets: Uint8Array, _encoding, done) {
      try {
        decoder.push(octets, (block) => void this.push(block.slice()));
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    flush: (done) => done(decoder.isComplete ? null : new RangeError('unexpected end of file')),
  });
}

/** Decompresses on other threads where zlib does it. What came out before damage is delivered. */
export class Decompressed implements OctetSource {
  readonly size: number | undefined;
  trouble: string | undefined;
  readonly #inner: OctetSource;
  readonly #stream: Transform;
  readonly #pieces = new Pieces();

  /**
   * @param start octets that were taken from `inner` already
   * @throws UserError when this Node cannot decompress it
   */
  constructor(inner: OctetSource, start: Uint8Array, compression: Compression, name: string) {
    this.#inner = inner;
    this.size = inner.size;
    this.#stream = decompressor(compression, name);
    this.#stream.on('data', (piece: Uint8Array) => {
      this.#pieces.push(piece);
      // What waits inside a stream is lost when it fails, so only zstd waits there: too much can come out of its input.
      if (compression === 'zstd' && this.#pieces.waiting >= WAITING) this.#stream.pause();
    });
    this.#stream.on('error', ({ message }) => this.#end(`its ${compression} data is damaged (${message})`));
    this.#stream.on('end', () => this.#end());
    void this.#pump(start);
  }

  get taken(): number {
    return this.#inner.taken;
  }

  read(bytes: Uint8Array, at: number, length: number): number | undefined {
    const got = this.#pieces.read(bytes, at, length);
    if (this.#stream.isPaused() && this.#pieces.waiting < WAITING) this.#stream.resume();
    const { given } = this.#pieces;
    if (given > RATIO_FREE && given > MOST_RATIO * this.taken) this.#refuse();
    return got;
  }

  more(): Promise<void> {
    return this.#pieces.more();
  }

  close(): void {
    this.#end();
    this.#stream.destroy();
    this.#inner.close();
  }

  #end(trouble?: string): void {
    if (!this.#pieces.ended) this.trouble = trouble ?? this.#inner.trouble;
    this.#pieces.end();
  }

  #refuse(): void {
    this.#end(`more than ${MOST_RATIO} times its size came out of it, which no capture does`);
    this.#pieces.end('drop');
    this.#stream.destroy();
  }

  async #pump(start: Uint8Array): Promise<void> {
    await this.#write(start);
    while (!this.#pieces.ended) {
      const octets = new Uint8Array(INPUT);
      const got = this.#inner.read(octets, 0, INPUT, 0);
      if (got === 0) break;
      if (got === undefined) await this.#inner.more();
      else await this.#write(octets.subarray(0, got));
    }
    if (!this.#pieces.ended) this.#stream.end();
  }

  async #write(octets: Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => void this.#stream.write(octets, () => resolve()));
    await this.#pieces.room(WAITING);
  }
}
