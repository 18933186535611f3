import type { CaptureCounters, CaptureInfo } from '../../core/tick.ts';
import type { Keep } from '../../store/retention.ts';
import type { CaptureThreadData } from './capture/capture-thread.ts';
import type { InterfaceNames } from './interface-names.ts';
import type { KernelOctets } from './kernel-octets.ts';
import type { KernelPrograms } from './kernel-programs.ts';
import type { ListPlaces } from './netns-places.ts';
import type { SourceName } from './observe/open-sources.ts';
import type { WriteOptions } from './write/writer-link.ts';

export interface RecorderOptions {
  readonly capture: CaptureThreadData['capture'] | null; // null: only sockets and who has them
  readonly programs: KernelPrograms | null; // the caller closes them
  readonly places: ListPlaces | null; // other namespaces to capture in; null: none
  readonly sources: readonly SourceName[];
  readonly database: string;
  readonly write: WriteOptions | null; // packets go into files too
  readonly keep: Keep; // what is older or more is deleted from the database
  readonly everyTick: boolean; // also those without news are stored
  readonly info: Omit<CaptureInfo, 'startedUs'>;
  readonly userName: (uid: number) => string | null;
  readonly containerName: (id: string, cgroup: string) => string | null;
  readonly interfaceNames: InterfaceNames;
  readonly kernelOctets: KernelOctets;
  readonly onReady: () => void; // packets are captured, and the database is open
  readonly onProgress: (progress: Progress) => void;
  readonly onTrouble: (text: string) => void; // an interface that went down, a database that cannot be written
}

export interface Progress {
  readonly counters: CaptureCounters;
  readonly flows: number; // since the start
  readonly sockets: number; // stored since the start
}
