/** What the threads of a recording say to each other. Columns travel with their buffers transferred. */
import type { EndColumns } from '../../core/attribution.ts';
import type { FlowColumns, FreshColumns } from '../../core/flow.ts';
import type { FoundNames } from '../../core/name.ts';
import type { ExitColumns, HolderColumns, Process } from '../../core/process.ts';
import type { FileNote } from '../../core/provenance.ts';
import type { ClosedColumns, OwnerColumns, SocketColumns, SocketEventColumns } from '../../core/socket.ts';
import type { CaptureCounters, CaptureInfo, ProcessRow, ProgramRow, Tick } from '../../core/tick.ts';
import type { Us } from '../../core/time.ts';
import type { TranslationHistoryColumns } from '../../core/translation.ts';
import type { NetnsPlace } from './capture/capture-spaces.ts';
import type { IfindexCount } from './interface-counts.ts';

/** main -> capture. 'drain' and 'stop' are answered by one CaptureReport each; places: the namespaces there are now. */
export type CaptureCommand = 'drain' | 'stop' | { readonly places: readonly NetnsPlace[] };

/** capture -> main, once: every interface is open. */
export interface CaptureReady {
  readonly ready: true;
}

/** capture -> main */
export interface CaptureReport {
  readonly flows: FlowColumns;
  readonly names: FoundNames;
  readonly translations: TranslationHistoryColumns; // times in CLOCK_BOOTTIME
  readonly translationsLost: number; // since the start: there was no room for them
  readonly counters: CaptureCounters;
  readonly interfaces: readonly IfindexCount[];
  readonly troubles: readonly string[]; // interfaces that are down or gone, in words
  readonly atUs: Us; // CLOCK_BOOTTIME: all packets read by then are in it
  readonly offsetUs: Us; // realtime minus boottime
  readonly last: boolean; // the answer to 'stop': nothing follows
}

/** capture -> observer: tuples of flows that just began, or events of sockets that the kernel told. */
export type NewsMessage = { readonly fresh: FreshColumns } | { readonly sockets: SocketEventColumns };

/** observer -> main. All parts of one message were true at the same time. */
export interface FactsMessage {
  readonly atUs: Us; // CLOCK_BOOTTIME
  readonly sockets: SocketColumns;
  readonly holders: HolderColumns;
  readonly owners: OwnerColumns; // who acted, as the kernel told
  readonly closed: ClosedColumns;
  readonly processes: readonly Process[]; // those that rows name and main does not know, and those that changed
  readonly exits: ExitColumns; // of processes that main knows
  readonly scan: ScanReport | null; // all descriptors were listed
  readonly addresses: { readonly unicast: readonly Int32Array[]; readonly broadcast: readonly Int32Array[] } | null;
  readonly factsLost: number; // netlink overruns and kernel events without room, since the start
  readonly looksSkipped: number; // at new processes, since the start
  readonly lost: { readonly fromUs: Us; readonly toUs: Us } | null; // events of sockets were lost in this interval
  readonly last: boolean; // the answer to 'stop': nothing follows
}

/** newborn -> observer: sockets that new processes hold. */
export interface NewbornMessage {
  readonly sockets: SocketColumns; // those whose tuple nobody may have looked up
  readonly holders: HolderColumns;
  readonly processes: readonly Process[];
  readonly lost: number; // times that the kernel threw events away, since the start
  readonly skipped: number; // looks that there was no time or no room for, since the start
}

export interface ScanReport {
  readonly startedUs: Us;
  readonly isSnapshot?: boolean; // by the kernel: all sockets of all namespaces, with their cookies
  readonly deniedUids: readonly number[]; // users none of whose processes' descriptors may be read
  readonly partlyDeniedUids: readonly number[]; // users some of whose processes may not be read
  readonly pids: Uint32Array; // all processes there were
}

/** main -> observer: say once more what is known, then end. */
export type ObserverCommand = 'stop';

/** A thread could not begin, or broke: main tells the user and stops. */
export interface ThreadFailure {
  readonly failure: { readonly code: string; readonly message: string; readonly hint: string };
}

/** main -> store. 'file': packets were written into it */
export type StoreCommand =
  | { readonly kind: 'begin'; readonly info: CaptureInfo }
  | { readonly kind: 'tick'; readonly tick: Tick }
  | { readonly kind: 'file'; readonly file: FileNote }
  | { readonly kind: 'end'; readonly endedUs: Us };

/** store -> main. 'ready': the answer to 'begin'. 'retry': the tick could not be written (disk full ...); it is kept and tried again. */
export type StoreReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'written' }
  | { readonly kind: 'retry'; readonly message: string }
  | { readonly kind: 'closed'; readonly lost: { readonly flows: number; readonly message: string } | null };

/** An interface that packets were seen on. */
export interface NamedInterface {
  readonly netns: number; // inode
  readonly ifindex: number;
  readonly name: string;
  readonly place: string; // which other namespace it is in, in words; '' for that of the recorder
}

/** What is known of flows since the last one: as in a tick. */
export interface OwnersMessage {
  readonly ends: EndColumns;
  readonly programs: readonly ProgramRow[];
  readonly processes: readonly ProcessRow[];
  readonly over: Float64Array; // serials of flows that have ended
}

/** What became of packets before they could be written, since the capture began. */
export type DropCounts = Pick<CaptureCounters, 'received' | 'kernelDrops' | 'interfaceDrops'>;

/** main -> writer of packets. 'interfaces': those whose names main did not tell before. */
export type WriterCommand =
  | { readonly kind: 'begin' }
  | { readonly kind: 'drops'; readonly drops: DropCounts }
  | { readonly kind: 'interfaces'; readonly interfaces: readonly NamedInterface[] }
  | ({ readonly kind: 'owners' } & OwnersMessage)
  | { readonly kind: 'end' };

/** What became of the packets. */
export interface WrittenCounts {
  readonly packets: number; // in files
  readonly bytes: number; // of files
  readonly files: number; // that were begun
  readonly marked: number; // packets to which owners were added
  readonly lost: number; // there was no room for them, or they could not be written
}

export interface WriterCounts extends WrittenCounts {
  readonly failure: string | null; // why packets could not be written and are lost, e.g. ENOSPC
  readonly isUnread: boolean; // it ended because nobody read the pipe any more
}

/**
 * writer of packets -> main. 'whole': nothing more comes into that file. 'unread': nobody reads the pipe that it writes
 * into.
 */
export type WriterReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'trouble'; readonly text: string }
  | { readonly kind: 'whole'; readonly file: FileNote }
  | { readonly kind: 'unread' }
  | { readonly kind: 'closed'; readonly counts: WriterCounts };
