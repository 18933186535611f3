import type { Us } from '../core/time.ts';
import type { HolderTable } from './holder-table.ts';
import type { OwnerTable } from './owner-table.ts';
import type { ProcessTable } from './process-table.ts';
import type { SocketTable } from './socket-table.ts';

/** What the last complete list of holders could say. */
export interface ScanState {
  readonly startedUs: Us; // CLOCK_BOOTTIME; 0: none yet
  readonly isSnapshot: boolean; // by the kernel: every socket of every process and namespace, with its cookie
  readonly deniedUids: ReadonlySet<number>; // users none of whose processes' descriptors may be read
  readonly partlyDeniedUids: ReadonlySet<number>; // users some of whose processes may not be read
}

export interface Interval {
  readonly fromUs: Us; // CLOCK_BOOTTIME
  readonly toUs: Us;
}

/** The tables that observers keep fresh. */
export interface Facts {
  readonly sockets: SocketTable;
  readonly owners: OwnerTable;
  readonly holders: HolderTable;
  readonly processes: ProcessTable;
  readonly scan: ScanState;
  readonly lost: readonly Interval[]; // times of which facts are missing
}
