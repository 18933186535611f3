/** What the threads of a recording say to each other. Columns travel with their buffers transferred. */
import type { FlowColumns, FreshColumns } from '../../core/flow.ts';
import type { HolderColumns, Process } from '../../core/process.ts';
import type { SocketColumns } from '../../core/socket.ts';
import type { CaptureCounters, CaptureInfo, Tick } from '../../core/tick.ts';
import type { Us } from '../../core/time.ts';
import type { IfindexCount } from './interface-counts.ts';

/** main -> capture. Every message is answered by one CaptureReport. */
export type CaptureCommand = 'drain' | 'stop';

/** capture -> main, once: every interface is open. */
export interface CaptureReady {
  readonly ready: true;
}

/** capture -> main */
export interface CaptureReport {
  readonly flows: FlowColumns;
  readonly counters: CaptureCounters;
  readonly interfaces: readonly IfindexCount[];
  readonly troubles: readonly string[]; // interfaces that are down or gone, in words
  readonly offsetUs: Us; // realtime minus boottime
  readonly last: boolean; // the answer to 'stop': nothing follows
}

/** capture -> observer: tuples of flows that just began. */
export type FreshMessage = FreshColumns;

/** observer -> main. All parts of one message were true at the same time. */
export interface FactsMessage {
  readonly atUs: Us; // CLOCK_BOOTTIME
  readonly sockets: SocketColumns;
  readonly holders: HolderColumns;
  readonly processes: readonly Process[];
  readonly scan: ScanReport | null; // a complete scan of /proc/PID/fd ended
  readonly addresses: { readonly unicast: readonly Int32Array[]; readonly broadcast: readonly Int32Array[] } | null;
  readonly factsLost: number; // netlink overruns since the start
  readonly last: boolean; // the answer to 'stop': nothing follows
}

export interface ScanReport {
  readonly startedUs: Us;
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

/** main -> store */
export type StoreCommand =
  | { readonly kind: 'begin'; readonly info: CaptureInfo }
  | { readonly kind: 'tick'; readonly tick: Tick }
  | { readonly kind: 'end'; readonly endedUs: Us };

/** store -> main. 'ready': the answer to 'begin'. 'retry': the tick could not be written (disk full ...); it is kept and tried again. */
export type StoreReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'written' }
  | { readonly kind: 'retry'; readonly message: string }
  | { readonly kind: 'closed' };
