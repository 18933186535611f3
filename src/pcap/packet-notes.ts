import { type PacketBatch, PacketType } from '../core/packet.ts';
import { decodeHostile } from '../core/text.ts';
import { type NotedProcess, notedProcess } from './noted-process.ts';
import { LONGEST_COMMENT, type NotedOwner, parseOwnerComment, speaksOfOwners } from './owner-comment.ts';
import { Option, PacketOption } from './pcapng-blocks.ts';
import { ProcessBlocks } from './process-blocks.ts';
import { type NotedComment, parseProcessComment, speaksOfProcess } from './process-comments.ts';

/** Way of a packet in its flags: bits 0 and 1, and how it was received in bits 2 to 4. */
const INBOUND = 1;
const OUTBOUND = 2;
const RECEIVED_AS: readonly number[] = [PacketType.Host, PacketType.Host, PacketType.Multicast, PacketType.Broadcast];

/** Different comments that are kept as they were understood. */
const MOST_COMMENTS = 16_384;

export type NotedEnd = 'src' | 'dst';

/** What a comment of pcapid says of one end of the packet in that row. */
export interface OwnerNote {
  readonly row: number;
  readonly flow: number; // as its writer numbers them
  readonly end: NotedEnd;
  readonly owner: NotedOwner;
}

/**
 * Processes that a file names behind packets of one batch, and what its sections said of them until then. Row
 * `rows[n]` of the batch belongs to `processes[n]`, which stands at `ends[n]`; undefined: where the packet left or came in.
 */
export class PacketNotes {
  readonly rows: number[] = [];
  readonly processes: NotedProcess[] = [];
  readonly ends: (NotedEnd | undefined)[] = [];
  readonly owners: OwnerNote[] = [];
  #blocks = new ProcessBlocks();
  readonly #comments = new Map<string, NotedComment | undefined>();

  clear(): void {
    this.rows.length = 0;
    this.processes.length = 0;
    this.ends.length = 0;
    this.owners.length = 0;
  }

  add(row: number, process: NotedProcess, end?: NotedEnd): void {
    this.rows.push(row);
    this.processes.push(process);
    this.ends.push(end);
  }

  beginSection(): void {
    this.#blocks = new ProcessBlocks();
  }

  /** @param at, end what stands between the two lengths of the block */
  takeBlock(view: DataView, type: number, at: number, end: number, littleEndian: boolean): void {
    this.#blocks.take(view, type, at, end, littleEndian);
  }

  /** Options of the packet in that row of the batch; they also say which way it went. */
  takePacket(view: DataView, batch: PacketBatch, row: number, at: number, end: number, littleEndian: boolean): void {
    let pid = 0;
    let process: NotedProcess | undefined;
    let comments = '';
    for (let next = at; end - next >= 4; ) {
      const code = view.getUint16(next, littleEndian);
      const length = view.getUint16(next + 2, littleEndian);
      const from = next + 4;
      if (code === Option.End || length > end - from) break;
      next = from + length + (-length & 3);
      if (code === Option.Comment) {
        const bytes = new Uint8Array(view.buffer, view.byteOffset + from, length);
        const isOurs = speaksOfOwners(bytes);
        const text = decodeHostile(bytes, isOurs ? LONGEST_COMMENT : undefined);
        if (isOurs) this.#addOwners(text, row);
        else if (comments !== '') comments += `\n${text}`;
        else if (speaksOfProcess(text)) comments = text;
      } else if (length < 4) continue;
      else if (code === PacketOption.Flags) batch.pktType[row] = packetTypeOf(view.getUint32(from, littleEndian));
      else if (code === PacketOption.Process || code === PacketOption.HoneProcess)
        pid = view.getUint32(from, littleEndian);
      else if (code === PacketOption.DarwinProcess) {
        process = this.#blocks.byDarwinIndex(view.getUint32(from, littleEndian)) ?? process;
      } else if (code === PacketOption.HoneConnection) {
        pid ||= this.#blocks.pidOfConnection(view.getUint32(from, littleEndian)) ?? 0;
      }
    }
    if (comments !== '') process ??= this.#fromComment(comments, batch, row);
    if (pid !== 0) process ??= this.#blocks.byPid(pid, batch.sec[row]! * 1e6 + batch.nsec[row]! / 1000);
    if (process !== undefined) this.add(row, process);
  }

  /** What pcapid wrote itself: both ends. */
  #addOwners(text: string, row: number): void {
    const both = parseOwnerComment(text);
    for (const end of ['src', 'dst'] as const) {
      const owner = both[end];
      if (owner?.process !== undefined) this.add(row, owner.process, end);
      if (owner !== undefined) this.owners.push({ row, flow: both.flow, end, owner });
    }
  }

  #fromComment(text: string, batch: PacketBatch, row: number): NotedProcess | undefined {
    let known = this.#comments.get(text);
    if (known === undefined && !this.#comments.has(text)) {
      known = parseProcessComment(text);
      if (this.#comments.size < MOST_COMMENTS) this.#comments.set(text, known);
    }
    if (known?.way !== undefined) batch.pktType[row] = known.way === 'outgoing' ? PacketType.Outgoing : PacketType.Host;
    return known?.process;
  }
}

function packetTypeOf(flags: number): number {
  const way = flags & 3;
  if (way === OUTBOUND) return PacketType.Outgoing;
  if (way !== INBOUND) return PacketType.Unknown;
  return RECEIVED_AS[(flags >>> 2) & 7] ?? PacketType.OtherHost;
}

/** LINKTYPE_PKTAP, and its number in files of older systems (DLT_USER2). Apple's header before each packet, pktap.h. */
const PKTAP = 258;
const PKTAP_BEFORE = 149;

export const isPktap = (linkType: number): boolean => linkType === PKTAP || linkType === PKTAP_BEFORE;

const PKTAP_FLAGS = 36; // octets from the packet's start
const PKTAP_PID = 52;
const PKTAP_NAME = 56;
const PKTAP_NAME_LENGTH = 20;
const PKTAP_LEAST = PKTAP_NAME + PKTAP_NAME_LENGTH;
const PKTAP_OUT = 2;

/** Notes whom Apple's headers name, in packets of any file format. */
export function notePktap(batch: PacketBatch, notes: PacketNotes): void {
  const { bytes, offset, capLen, linkType, pktType, count } = batch;
  for (let i = 0; i < count; i++) {
    if (!isPktap(linkType[i]!) || capLen[i]! < PKTAP_LEAST) continue;
    const header = new DataView(bytes.buffer, bytes.byteOffset + offset[i]!, PKTAP_LEAST);
    const flags = header.getUint32(PKTAP_FLAGS, true);
    if ((flags & 3) !== 0) pktType[i] = (flags & PKTAP_OUT) !== 0 ? PacketType.Outgoing : PacketType.Host;
    const pid = header.getInt32(PKTAP_PID, true);
    if (pid <= 0) continue; // -1: nobody's
    const name = bytes.subarray(offset[i]! + PKTAP_NAME, offset[i]! + PKTAP_LEAST);
    const end = name.indexOf(0);
    notes.add(i, notedProcess(pid, { comm: decodeHostile(end === -1 ? name : name.subarray(0, end)) }));
  }
}
