/** What the attributing thread hands to the store at each tick: one transaction. */
import type { EndColumns } from './attribution.ts';
import type { Columns } from './columns.ts';
import type { FlowColumns } from './flow.ts';
import type { NameRows } from './name.ts';
import type { Process } from './process.ts';
import type { Us } from './time.ts';
import type { TranslationHistoryColumns } from './translation.ts';

/** What accounting groups by. Null fields: not known, or the holders of a shared socket do not agree. */
export interface Program {
  readonly exe: string | null;
  readonly unit: string | null;
  readonly container: string | null;
  readonly uid: number | null;
}

/** Ids are counted from 1 by the sender within one recording; the store maps them to its own rows. */
export interface ProgramRow extends Program {
  readonly id: number;
}

export interface ProcessRow {
  readonly id: number;
  readonly program: number; // ProgramRow.id
  readonly process: Process;
  readonly firstUs: Us; // microseconds since the epoch
  readonly lastUs: Us; // a later row with the same id moves it
  readonly exitUs: Us | null; // when the kernel saw it end, else the first scan that no longer saw it
}

/** The ownership history: inserted at close or at 5 s of age, and again (same id) when `toUs` moves. */
export const SOCKET_HISTORY_COLUMNS = {
  id: 'f64',
  key: 'key', // local, remote
  cookie: 'f64',
  inode: 'f64',
  uid: 'u32',
  state: 'u8',
  process: 'f64', // ProcessRow.id of the primary holder, 0: none or several
  netns: 'f64', // inode
  fromUs: 'f64', // microseconds since the epoch
  toUs: 'f64', // last seen
  source: 'u8', // SourceCode of the best that told of it
  role: 'u8', // code of ROLES: what `process` had to do with it, 0: nobody stands there
  hasTotals: 'u8', // this and the following as in CLOSED_COLUMNS
  sentBytes: 'f64',
  ackedBytes: 'f64',
  receivedBytes: 'f64',
} as const;
export type SocketHistoryColumns = Columns<typeof SOCKET_HISTORY_COLUMNS>;

/** Holders of shared sockets; the single holder of a socket stands in the socket itself. */
export const HOLDER_HISTORY_COLUMNS = {
  socket: 'f64', // SocketHistoryColumns.id
  process: 'f64', // ProcessRow.id
  role: 'u8', // code of ROLES
  fromUs: 'f64',
  toUs: 'f64',
  edge: 'u8', // as in OWNER_COLUMNS
  sequence: 'u32',
} as const;
export type HolderHistoryColumns = Columns<typeof HOLDER_HISTORY_COLUMNS>;

/** Totals since the capture began. `null`: this backend cannot know. */
export interface CaptureCounters {
  packets: number; // read from the source
  bytes: number; // frame.len of them
  ipBytes: number;
  flowPackets: number; // counted in flows, each once
  flowBytes: number;
  duplicatePackets: number; // further sightings on other interfaces
  duplicateBytes: number;
  notIpPackets: number; // no flow: ARP, LLDP, an unsupported link type ...
  notIpBytes: number;
  badPackets: number; // no flow: truncated or malformed headers
  badBytes: number;
  received: number | null; // pcap_stats ps_recv
  kernelDrops: number | null; // ps_drop
  interfaceDrops: number | null; // ps_ifdrop
  flowsEvicted: number; // lack-of-resources
  flowsLost: number; // ended flows dropped because the store could not keep up
  factsLost: number; // netlink overruns, kernel events without room, sockets forgotten while the store was stuck
  looksSkipped: number; // at processes that had just been born: there was no time for them
  factsLate: number; // kernel events that came after packets of their time were counted
  namesLost: number; // names that were not kept, and packets not searched for names, because there were too many
}

/** Of a capture that saw none. */
export const NO_PACKETS: CaptureCounters = {
  packets: 0,
  bytes: 0,
  ipBytes: 0,
  flowPackets: 0,
  flowBytes: 0,
  duplicatePackets: 0,
  duplicateBytes: 0,
  notIpPackets: 0,
  notIpBytes: 0,
  badPackets: 0,
  badBytes: 0,
  received: null,
  kernelDrops: null,
  interfaceDrops: null,
  flowsEvicted: 0,
  flowsLost: 0,
  factsLost: 0,
  looksSkipped: 0,
  factsLate: 0,
  namesLost: 0,
};

/** Packets that passed one interface of a capture on `any`. */
export interface InterfaceCount {
  readonly netns: number; // inode of its namespace, 0: not known
  readonly ifindex: number;
  readonly name: string;
  readonly packets: number;
  readonly bytes: number;
  readonly kernelBytes?: number | null; // octets by the kernel's own counters since the capture began; null: not known
}

export interface CaptureInfo {
  readonly interface: string; // 'any', a name, or the path of a file; '' where nothing was captured
  readonly backend: 'libpcap' | 'cap' | 'file' | 'none'; // none: only sockets
  readonly filter: string;
  readonly snaplen: number;
  readonly command: string;
  readonly version: string;
  readonly startedUs: Us;
  readonly hostName: string;
  readonly bootId: string; // /proc/sys/kernel/random/boot_id; of a file: its own path, so that it never joins a live boot
  readonly netns: number; // inode of the namespace of the sightings
  readonly sources: string; // e.g. 'diag,proc'
}

/** A network namespace: the kernel's numbers for it, and what people call it. */
export interface NetnsRow {
  readonly inode: number;
  readonly cookie: number | null; // what kernel events say
  readonly name: string | null; // of ip-netns(8), or of its container
}

/** What a container runtime calls one of its containers. */
export interface ContainerRow {
  readonly id: string; // as in Program.container
  readonly name: string; // of Kubernetes NAMESPACE/POD/CONTAINER
}

export interface Tick {
  readonly flows: FlowColumns;
  readonly ends: EndColumns;
  readonly programs: readonly ProgramRow[];
  readonly processes: readonly ProcessRow[];
  readonly users: readonly { readonly uid: number; readonly name: string }[];
  readonly namespaces: readonly NetnsRow[]; // new or better known ones
  readonly containers: readonly ContainerRow[];
  readonly sockets: SocketHistoryColumns;
  readonly translations: TranslationHistoryColumns; // times since the epoch
  readonly holders: HolderHistoryColumns;
  readonly names: NameRows;
  readonly counters: CaptureCounters;
  readonly interfaces: readonly InterfaceCount[];
  readonly clock: { readonly bootUs: Us; readonly offsetUs: Us } | null; // realtime minus boottime, when it has to be noted
  readonly atUs: Us; // microseconds since the epoch
}
