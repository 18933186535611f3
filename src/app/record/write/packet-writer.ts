import { FlowSide } from '../../../core/attribution.ts';
import { UserError } from '../../../core/errors.ts';
import { timeOf } from '../../../core/packet.ts';
import { SECOND_US, type Us } from '../../../core/time.ts';
import { Output } from '../../../pcap/output.ts';
import { type PacketEdit, Way, wayOf } from '../../../pcap/packet-edits.ts';
import { InterfaceOption, Option, SectionOption, TimeResolution } from '../../../pcap/pcapng-blocks.ts';
import { putInterface, putPacket, putSection, putStatistics } from '../../../pcap/written-blocks.ts';
import { joined, octetsOption, textOption } from '../../../pcap/written-options.ts';
import type { OwnerStyle } from '../../annotate/owner-style.ts';
import type { DropCounts, NamedInterface, WrittenCounts } from '../messages.ts';
import { type CaptureFiles, WriteFailure } from './capture-files.ts';
import { dropsSince, NO_DROPS, statisticsOf } from './file-statistics.ts';
import type { PacketRing, WaitingBatch } from './packet-ring.ts';
import type { ToldOwners } from './told-owners.ts';

/** How long a packet waits for its owner, and for the name of its interface. */
const PATIENCE_US = SECOND_US;
/** Octets that are collected before they are written. Behind them there is room for the longest packet and its marks. */
const FULL = 1 << 18;
const ROOM = 1 << 21;
const NO_EDIT: PacketEdit = { before: [], options: new Uint8Array(0), once: 0, way: Way.Unknown };
const NONE = -1;

export interface WrittenCapture {
  readonly heading: string; // comment of the section: who made it, and where
  readonly program: string;
  readonly system: string;
  readonly filter: string; // '' for none
  readonly snaplen: number;
  readonly isOneInterface: boolean; // what is dropped was on that one
  readonly mostBytes: number; // of a file, before the next one begins. Infinity: no limit
  readonly mostUs: Us; // between the first packet of a file and the first of the next one
}

/** What the packets come from, whose they are and where they go. */
export interface WriterParts {
  readonly ring: PacketRing;
  readonly owners: ToldOwners;
  readonly style: OwnerStyle;
  readonly files: CaptureFiles;
}

/** Takes packets out of the ring in their order, gives them their owners, and puts them into files. */
export class PacketWriter {
  readonly #ring: PacketRing;
  readonly #owners: ToldOwners;
  readonly #style: OwnerStyle;
  readonly #files: CaptureFiles;
  readonly #capture: WrittenCapture;
  readonly #out: Output;
  readonly #interfaces = new Map<string, NamedInterface>();
  readonly #numbers = new Map<string, number>(); // of interfaces and link types in the present file
  readonly #last = { netns: NONE, ifindex: NONE, linkType: NONE, number: NONE }; // of the packet before
  #delivered: number[] = []; // packets of each number
  #drops: DropCounts = NO_DROPS; // since the capture began,
  #dropsBefore: DropCounts = NO_DROPS; // until the present file began
  #batch: WaitingBatch | undefined;
  #row = 0; // next one of it
  #hasRoom = true; // the ring had, when this batch or this turn began
  #isOpen = false; // a file
  #isEnding = false; // it has its last blocks
  #beganUs: Us = 0; // time of day of its first packet
  #inFile = 0; // packets
  #packets = 0; // of all files
  #flushed = 0; // of them, those that are in files
  #marked = 0;
  #sec = 0; // time of day of the last one
  #nsec = 0;

  constructor({ ring, owners, style, files }: WriterParts, capture: WrittenCapture) {
    this.#ring = ring;
    this.#owners = owners;
    this.#style = style;
    this.#files = files;
    this.#capture = capture;
    this.#out = new Output((bytes) => files.write(bytes), ROOM);
  }

  /** Packets that had no room anywhere. */
  get lost(): number {
    return this.#ring.lost;
  }

  noteDrops(drops: DropCounts): void {
    this.#drops = drops;
  }

  nameInterface(named: NamedInterface): void {
    this.#interfaces.set(keyOf(named.netns, named.ifindex), named);
  }

  /** Opens the first file. @throws UserError, WriteFailure */
  begin(at: Date): void {
    this.#beginFile(at);
    this.#flush();
  }

  /**
   * Writes what need not wait any more.
   *
   * @param nowUs CLOCK_BOOTTIME; Infinity: nothing more will be known
   * @throws WriteFailure, UserError; what could not be written is tried again by the next call
   */
  work(nowUs: Us): void {
    this.#files.settle();
    this.#hasRoom = !this.#ring.isHalfFull;
    for (let batch = this.#next(); batch !== undefined; batch = this.#next()) {
      if (this.#out.waiting >= FULL) this.#flush();
      if (this.#row === 0) this.#hasRoom = !this.#ring.isHalfFull;
      if (this.#hasRoom && nowUs < batch.atUs + PATIENCE_US && this.#isPending(batch, this.#row)) break;
      this.#rotate(batch, this.#row);
      this.#put(batch, this.#row++);
    }
    this.#flush();
  }

  /** Writes what is left and closes the file. What cannot be written now is lost. */
  end(): WrittenCounts {
    let unwritten = 0;
    try {
      this.work(Infinity);
      if (this.#isOpen) this.#endFile();
    } catch (error) {
      if (!(error instanceof WriteFailure || error instanceof UserError)) throw error;
      unwritten = this.#packets - this.#flushed;
      for (let batch = this.#next(); batch !== undefined; batch = this.#next()) {
        unwritten += batch.count - this.#row;
        this.#row = batch.count;
      }
    }
    this.#files.close();
    const { bytes, begun: files } = this.#files;
    const packets = this.#flushed;
    return { packets, bytes, files, marked: this.#marked, lost: this.#ring.lost + unwritten };
  }

  #next(): WaitingBatch | undefined {
    if (this.#batch !== undefined && this.#row === this.#batch.count) {
      this.#ring.pop();
      this.#batch = undefined;
      this.#row = 0;
    }
    this.#batch ??= this.#ring.peek();
    return this.#batch;
  }

  #isPending(batch: WaitingBatch, row: number): boolean {
    const serial = Math.abs(batch.serial[row]!);
    if (serial !== 0 && this.#owners.isPending(serial)) return true;
    const ifindex = batch.ifindex[row]!;
    return ifindex !== 0 && this.#numberOf(batch, row) === NONE && !this.#interfaces.has(keyOf(batch.netns, ifindex));
  }

  #put(batch: WaitingBatch, row: number): void {
    const serial = batch.serial[row]!;
    const src = serial < 0 ? FlowSide.Dst : FlowSide.Src;
    let edit = serial === 0 ? undefined : this.#style.edit(Math.abs(serial), src, wayOf(batch.pktType[row]!));
    if (edit !== undefined) this.#marked++;
    if (row === 0 && batch.lostBefore > 0) edit = withGap(edit ?? NO_EDIT, batch.lostBefore);
    let number = this.#numberOf(batch, row);
    if (number === NONE) number = this.#putInterface(batch, row);
    putPacket(this.#out, batch, row, number, true, edit);
    if (this.#inFile === 0) this.#beganUs = timeOf(batch, row);
    this.#delivered[number]!++;
    this.#inFile++;
    this.#packets++;
    this.#sec = batch.sec[row]!;
    this.#nsec = batch.nsec[row]!;
  }

  #rotate(batch: WaitingBatch, row: number): void {
    const { mostBytes, mostUs } = this.#capture;
    if (this.#isOpen && !this.#isEnding) {
      if (!this.#files.isFile || this.#inFile === 0) return;
      const isLarge = this.#files.size + this.#out.waiting > mostBytes;
      if (!isLarge && Math.abs(timeOf(batch, row) - this.#beganUs) < mostUs) return; // the clock may step back
    }
    if (this.#isOpen) this.#endFile();
    this.#beginFile(new Date(timeOf(batch, row) / 1000));
  }

  #beginFile(at: Date): void {
    this.#files.open(at);
    this.#isOpen = true;
    this.#inFile = 0;
    this.#numbers.clear();
    this.#last.number = NONE;
    this.#delivered = [];
    this.#dropsBefore = this.#drops;
    this.#owners.beginFile();
    this.#style.beginSection(true);
    const { heading, program, system } = this.#capture;
    const texts = [
      [Option.Comment, heading],
      [SectionOption.System, system],
      [SectionOption.Program, program],
    ] as const;
    putSection(this.#out, joined(texts.map(([code, text]) => textOption(code, text, true))));
  }

  #endFile(): void {
    if (!this.#isEnding) {
      const drops = dropsSince(this.#dropsBefore, this.#drops);
      const options = statisticsOf(this.#delivered, drops, this.#capture.isOneInterface);
      for (const [number, one] of options.entries()) putStatistics(this.#out, number, this.#sec, this.#nsec, one);
    }
    this.#isEnding = true;
    this.#flush();
    this.#files.close();
    this.#isOpen = false;
    this.#isEnding = false;
  }

  /** NONE: the file does not know it yet. */
  #numberOf({ netns, ifindex, linkType }: WaitingBatch, row: number): number {
    const last = this.#last;
    if (last.netns !== netns || last.ifindex !== ifindex[row] || last.linkType !== linkType[row]) {
      last.netns = netns;
      last.ifindex = ifindex[row]!;
      last.linkType = linkType[row]!;
      last.number = this.#numbers.get(keyOf(netns, last.ifindex, last.linkType)) ?? NONE;
    }
    return last.number;
  }

  #putInterface({ netns, ifindex, linkType }: WaitingBatch, row: number): number {
    const { name = '', place = '' } = this.#interfaces.get(keyOf(netns, ifindex[row]!)) ?? {};
    const { filter, snaplen, system } = this.#capture;
    const options = [
      ...(name === '' ? [] : [textOption(InterfaceOption.Name, name, true)]),
      ...(place === '' ? [] : [textOption(InterfaceOption.Description, place, true)]),
      octetsOption(InterfaceOption.TimeResolution, Uint8Array.of(TimeResolution.Nanoseconds), true),
      ...(filter === '' ? [] : [textOption(InterfaceOption.Filter, `\0${filter}`, true)]),
      textOption(InterfaceOption.System, system, true),
    ];
    putInterface(this.#out, linkType[row]!, snaplen, joined(options));
    const number = this.#delivered.push(0) - 1;
    this.#numbers.set(keyOf(netns, ifindex[row]!, linkType[row]!), number);
    this.#last.number = number;
    return number;
  }

  #flush(): void {
    this.#out.flush();
    this.#flushed = this.#packets;
  }
}

const keyOf = (...numbers: readonly number[]): string => numbers.join(' ');

function withGap(edit: PacketEdit, lost: number): PacketEdit {
  const text = `pcapid: ${lost} captured packets are missing before this one, they could not be written in time`;
  return { ...edit, options: joined([edit.options, textOption(Option.Comment, text, true)]) };
}
