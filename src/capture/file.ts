/** Packets out of a capture file or a pipe of any format, in constant memory. */
import type { CaptureSource, CaptureStats, PacketBatch } from '../core/packet.ts';
import { tryNative } from '../native/binding.ts';
import { compressionOf, isCapture, notCapture, PCAP_HEADER, walkerFor } from '../pcap/formats.ts';
import type { InterfaceNumbers } from '../pcap/interface-numbers.ts';
import { notePktap, PacketNotes } from '../pcap/packet-notes.ts';
import { PcapngWalker } from '../pcap/pcapng.ts';
import type { Damage, Stretch, Walker } from '../pcap/stretch.ts';
import { Decompressed } from './decompressed.ts';
import { Descriptor, type DescriptorOptions, type OctetSource } from './octets.ts';
import { StandardInput } from './standard-input.ts';

const READ = 1 << 18; // octets a read()

/** Octets that PacketBatch.bytes should have for this source: one read and the longest usual packet. */
export const FILE_BATCH_BYTES = READ + 262_144 + 4096;

interface FileOptions extends DescriptorOptions {
  readonly interfaces?: InterfaceNumbers; // of all files of the capture
}

/** Who wants a file's octets as they are, beside its packets: all of them behind the header of a pcap file, in order. */
export interface OctetSink {
  /**
   * A walker went over octets `from` to `to`; packets among them are in the batch.
   *
   * @param rest octets that the last packet or block has behind them: skipped() gets them, as far as the file has them
   */
  walked(bytes: Uint8Array, from: number, to: number, rest: number): void;
  skipped(bytes: Uint8Array, from: number, to: number): void;
}

/**
 * Reads one capture file: pcap or pcapng, as it is or compressed. Damage is data: every packet before it is delivered,
 * then `damage` says where and what, and read() returns -1.
 *
 * A pipe is read as it grows: read() returns what is there, or 0 after `timeoutMs`. Compressed files are decompressed
 * meanwhile, so read() returns 0 at once when nothing is ready: await more() then.
 */
export class PcapFileSource implements CaptureSource {
  damage: Damage | undefined;
  readonly fd: number; // of a pipe: readable when packets wait

  readonly #name: string;
  readonly #sink: OctetSink | undefined;
  readonly #interfaces: InterfaceNumbers | undefined;
  readonly #descriptor: Descriptor;
  #octets: OctetSource;
  readonly #start = new Uint8Array(PCAP_HEADER);
  #startHas = 0; // octets of `start`
  #walker: Walker | undefined;
  #notes = new PacketNotes();
  #bytes: Uint8Array = new Uint8Array(0); // batch.bytes of the last read(), which holds the rest of the stretch
  readonly #stretch: Stretch = { from: 0, have: 0, skip: 0, damage: undefined };
  #read = 0; // octets of the capture, decompressed
  #packets = 0;
  #ended = false;

  /** @throws UserError when the file cannot be opened, or is (as far as it has been read) no capture file */
  constructor(options: FileOptions, sink?: OctetSink) {
    this.#name = options.path;
    this.#sink = sink;
    this.#interfaces = options.interfaces;
    this.#descriptor = this.#octets = new Descriptor(options);
    this.fd = this.#descriptor.fd;
    if (options.fd === 0 && this.#descriptor.kind === 'other') this.#octets = new StandardInput();
    try {
      if (this.#descriptor.kind === 'file' && options.follow !== true) this.#begin(0); // pipes may have nothing to say yet
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Octets of the file; undefined: a pipe. */
  get size(): number | undefined {
    return this.#octets.size;
  }

  /** The first PCAP_HEADER octets of the capture: of a pcap file its header. Whole once packets were read. */
  get start(): Uint8Array {
    return this.#start;
  }

  /** Octets taken from the file. */
  get bytesRead(): number {
    return this.#octets.taken;
  }

  /** Its octets come with the help of the event loop. */
  get isCompressed(): boolean {
    return this.#octets instanceof Decompressed;
  }

  /** Processes that the file names behind packets of the batch that was read last. */
  get notes(): PacketNotes {
    return this.#notes;
  }

  /** @throws UserError when the first octets of a pipe are not those of a capture file */
  read(into: PacketBatch, timeoutMs: number): number {
    into.count = 0;
    if (this.#walker === undefined && !this.#ended) this.#begin(timeoutMs);
    this.#moveTo(into.bytes);
    while (!this.#ended) {
      if (this.#walker === undefined) return 0;
      this.#notes.clear();
      const { from } = this.#stretch;
      this.#walker.walk(this.#stretch, into);
      this.#sink?.walked(into.bytes, from, this.#stretch.from, this.#stretch.skip);
      this.#packets += into.count;
      if (into.count > 0) {
        if (this.#walker.hasPktap) notePktap(into, this.#notes);
        return into.count; // damage behind them is found again by the next read()
      }
      if (this.#stretch.damage !== undefined) this.#endAt(this.#stretch.damage);
      else if (!this.#fill(timeoutMs)) return 0;
    }
    return -1;
  }

  /** Resolves when read() is worth another try. */
  more(): Promise<void> {
    return this.#octets.more();
  }

  /** What is in a followed file by now is its end. */
  stopFollowing(): void {
    this.#descriptor.stopFollowing();
  }

  stats(): CaptureStats {
    return { received: this.#packets, kernelDrops: undefined, interfaceDrops: undefined };
  }

  close(): void {
    this.#ended = true;
    this.#octets.close();
  }

  /** Reads as many octets as tell the format. */
  #begin(timeoutMs: number): void {
    while (this.#startHas < PCAP_HEADER) {
      const got = this.#octets.read(this.#start, this.#startHas, PCAP_HEADER - this.#startHas, timeoutMs);
      if (got === undefined) return;
      const start = this.#start.subarray(0, this.#startHas);
      if (got === 0) {
        if (this.#octets.trouble === undefined && !isCapture(start)) throw notCapture(start, this.#name);
        this.#read = this.#startHas;
        this.#endAt(this.#octets.trouble ?? 'the file ends inside its header');
        return;
      }
      this.#startHas += got;
      this.#decompress();
    }
    this.#read = PCAP_HEADER;
    const { walker, from } = walkerFor(this.#start, this.#name, this.#interfaces, tryNative());
    this.#walker = walker;
    this.#stretch.from = from;
    this.#stretch.have = PCAP_HEADER;
    this.#bytes = this.#start;
    if (walker instanceof PcapngWalker) this.#notes = walker.notes;
  }

  /** When the octets so far are those of a compressed file, what is inside begins anew. */
  #decompress(): void {
    const start = this.#start.slice(0, this.#startHas);
    const compression = this.isCompressed ? undefined : compressionOf(start);
    if (compression === undefined) return;
    this.#octets = new Decompressed(this.#octets, start, compression, this.#name);
    this.#startHas = 0;
  }

  /** Takes what is not yet walked along when the caller alternates between batches. */
  #moveTo(bytes: Uint8Array): void {
    if (bytes === this.#bytes) return;
    const stretch = this.#stretch;
    const rest = this.#bytes.subarray(stretch.from, stretch.have);
    if (rest.length > bytes.length) throw new RangeError('batches of one source must have the same size');
    bytes.set(rest);
    this.#bytes = bytes;
    stretch.from = 0;
    stretch.have = rest.length;
  }

  /** Appends octets of the file behind an incomplete packet. @returns false when none came within `timeoutMs` */
  #fill(timeoutMs: number): boolean {
    const stretch = this.#stretch;
    this.#bytes.copyWithin(0, stretch.from, stretch.have);
    stretch.have -= stretch.from;
    stretch.from = 0;
    const room = Math.min(READ, this.#bytes.length - stretch.have);
    const got = this.#octets.read(this.#bytes, stretch.have, room, timeoutMs);
    if (got === undefined) return false;
    this.#read += got;
    const skipped = Math.min(got, stretch.skip); // then nothing stands before it
    if (skipped > 0) this.#sink?.skipped(this.#bytes, stretch.have, stretch.have + skipped);
    stretch.skip -= skipped;
    stretch.from += skipped;
    stretch.have += got;
    if (got === 0) this.#endOfFile();
    return true;
  }

  #endOfFile(): void {
    const { from, have, skip } = this.#stretch;
    const inside = skip > 0 ? 'a packet' : this.#walker?.endsInside(have - from);
    const trouble = this.#octets.trouble ?? (inside === undefined ? undefined : `the file ends inside ${inside}`);
    if (trouble === undefined) this.#ended = true;
    else this.#endAt(trouble);
  }

  #endAt(what: string): void {
    const unread = this.#stretch.have - this.#stretch.from;
    this.damage ??= { offset: this.#read - unread, what };
    this.#ended = true;
  }
}
