import type { Columns } from './columns.ts';

/** TCP states of include/net/tcp_states.h; UDP and raw sockets use Established (connected) and Close. */
export const SocketState = {
  Established: 1,
  SynSent: 2,
  SynRecv: 3,
  FinWait1: 4,
  FinWait2: 5,
  TimeWait: 6,
  Close: 7,
  CloseWait: 8,
  LastAck: 9,
  Listen: 10,
  Closing: 11,
} as const;

/** Names that ss(8) prints, index = state. */
export const SOCKET_STATE_NAMES = [
  'UNKNOWN',
  'ESTAB',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'UNCONN',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
] as const;

/** Where a fact or an answer came from. Index = stored code; 0 is none. */
export const SOURCES = [null, 'bpf', 'cgroup', 'diag', 'proc', 'capture', 'history'] as const;
export type Source = Exclude<(typeof SOURCES)[number], null>;
export const SourceCode = { Bpf: 1, Cgroup: 2, Diag: 3, Proc: 4, Capture: 5, History: 6 } as const;

/** A uid that is not known. TIME_WAIT sockets read as uid 0, which would be root: they get this. */
export const NO_UID = 0xffffffff;

/**
 * Internet sockets as a source saw them.
 * The key's first end is local, the second remote (address and port 0 when unconnected).
 */
export const SOCKET_COLUMNS = {
  key: 'key',
  inode: 'f64', // N of socket:[N]; 0: orphan or TIME_WAIT
  cookie: 'f64', // SO_COOKIE as a signed number; 0: the source has none (/proc/net)
  seenUs: 'f64', // CLOCK_BOOTTIME at which the source answered
  uid: 'u32', // NO_UID when not known
  receiveQueue: 'u32', // octets; of a listener: connections waiting
  sendQueue: 'u32', // octets; of a listener: backlog
  boundIfindex: 'u32', // SO_BINDTODEVICE, else 0
  state: 'u8', // SocketState
  source: 'u8', // SourceCode
} as const;
export type SocketColumns = Columns<typeof SOCKET_COLUMNS>;
