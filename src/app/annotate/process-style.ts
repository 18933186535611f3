import type { Process } from '../../core/process.ts';
import { NO_UID } from '../../core/socket.ts';
import { type PacketEdit, Way } from '../../pcap/packet-edits.ts';
import { PacketOption } from '../../pcap/pcapng-blocks.ts';
import {
  darwinBlock,
  darwinOptions,
  infoBlock,
  processOption,
  type WrittenProcess,
} from '../../pcap/written-processes.ts';
import type { WrittenOwners } from './flow-owners.ts';
import type { OwnerStyle } from './owner-style.ts';

/** Marks for one end of a flow: the packets that show it have been told, so the next ones need not. */
abstract class ProcessStyle implements OwnerStyle {
  readonly hasBlocks = true;
  readonly #owners: WrittenOwners;
  readonly #every: boolean;
  protected littleEndian = true;

  constructor(owners: WrittenOwners, every: boolean) {
    this.#owners = owners;
    this.#every = every;
  }

  abstract beginSection(littleEndian: boolean): void;
  protected abstract mark(process: Process, other: Process | null, way: number): PacketEdit;

  /** A packet names one process: its sender, or the receiver where it came in or nobody here sent it. */
  edit(serial: number, src: number, way: number): PacketEdit | undefined {
    const sender = this.#owners.answer(serial, src).process;
    const receiver = this.#owners.answer(serial, 1 - src).process;
    const isSender = way === Way.Unknown ? sender !== null : way === Way.Outbound;
    const process = isSender ? sender : receiver;
    if (process === null) return undefined; // a reader would take the other one for this
    const part = 1 << (isSender ? src : 1 - src); // the named end
    if (!this.#every && !this.#owners.tell(serial, part)) return undefined;
    const bothAreHere = sender !== null && receiver !== null;
    return this.mark(process, isSender ? receiver : sender, bothAreHere ? way : isSender ? Way.Outbound : Way.Inbound);
  }
}

/** Wireshark's Process Information Blocks, and the pid in each packet. */
export class InfoStyle extends ProcessStyle {
  readonly #current = new Map<number, string>(); // by pid, what was told of it last

  override beginSection(littleEndian: boolean): void {
    this.littleEndian = littleEndian;
    this.#current.clear();
  }

  protected override mark(process: Process, _: Process | null, way: number): PacketEdit {
    const name = nameOf(process);
    const isKnown = this.#current.get(process.pid) === name;
    this.#current.set(process.pid, name); // the last one of a pid counts
    return {
      before: isKnown ? [] : [infoBlock(writtenOf(process), this.littleEndian)],
      options: processOption(process.pid, this.littleEndian),
      once: PacketOption.Process,
      way,
    };
  }
}

/** Apple's process blocks, and their index in each packet. */
export class DarwinStyle extends ProcessStyle {
  readonly #indexes = new Map<string, number>();

  override beginSection(littleEndian: boolean): void {
    this.littleEndian = littleEndian;
    this.#indexes.clear();
  }

  protected override mark(process: Process, other: Process | null, way: number): PacketEdit {
    const before: Uint8Array[] = [];
    const index = this.#indexOf(process, before);
    const effective = other === null ? undefined : this.#indexOf(other, before);
    const options = darwinOptions(index, effective, this.littleEndian);
    return { before, options, once: PacketOption.DarwinProcess, way };
  }

  #indexOf(process: Process, before: Uint8Array[]): number {
    const name = nameOf(process);
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    const index = this.#indexes.size;
    this.#indexes.set(name, index);
    before.push(darwinBlock(writtenOf(process), this.littleEndian));
    return index;
  }
}

/** Whatever tells two processes apart, also before and after exec. */
const nameOf = ({ pid, startTicks, comm, exe }: Process): string => `${pid} ${startTicks} ${comm} ${exe}`;

function writtenOf({ pid, comm, exe, argv, parentPid, uid }: Process): WrittenProcess {
  return {
    pid,
    comm: comm || null,
    exe,
    argv,
    parentPid: parentPid || null,
    uid: uid === NO_UID ? null : uid,
  };
}
