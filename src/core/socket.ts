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

/** States in which a TCP socket still belongs to a connection whose last packets have passed. */
export function isClosing(state: number): boolean {
  return (
    state === SocketState.TimeWait ||
    state === SocketState.FinWait1 ||
    state === SocketState.FinWait2 ||
    state === SocketState.CloseWait ||
    state === SocketState.LastAck ||
    state === SocketState.Closing
  );
}

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

/** Cookies of stored sockets are their rows; from this one on those of sockets under a tuple behind address translation. */
export const FIRST_TRANSLATED = 2 ** 40;

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
  netns: 'f64', // inode of its network namespace; 0: not known, any may be meant
  state: 'u8', // SocketState
  source: 'u8', // SourceCode
} as const;
export type SocketColumns = Columns<typeof SOCKET_COLUMNS>;

/** What a kernel event says about a socket. 0 is none. */
export const SocketEvent = {
  Seen: 1, // the first packet of this socket on this tuple
  Owner: 2, // another process acts on it, or better evidence came for the same one
  Closed: 3, // its last descriptor was closed; the key is zero
} as const;

/** Bits of SocketEventColumns.flags. */
export const SocketFlag = {
  Outgoing: 1, // Seen: the socket sent the packet; without it, it received it
  Listens: 2, // Owner: a TCP listener from now on
  Shared: 4, // several processes take turns: no more changes of owner are told for a second
  Kernel: 8, // the kernel itself uses it, pid is 0
  SentFrom: 16, // Owner after another one: `sequence` is where the octets begin that it sent
  ReceivedFrom: 32, // the same of what it received
} as const;

/** How a process came to be known as the one behind a socket, weakest first: a greater code beats a smaller one. */
export const OwnerEvidence = {
  None: 0,
  State: 1, // changed the TCP state (closed it): a parent may close what its child used
  Snapshot: 2, // held a descriptor when all were listed
  Created: 3, // called socket()
  Called: 4, // called connect() or an unconnected sendto()
  Transfer: 5, // sent or received
} as const;

/** Events of sockets as the kernel reported them, in the order of their ring. */
export const SOCKET_EVENT_COLUMNS = {
  kind: 'u8', // SocketEvent
  key: 'key', // local, remote (as the packet or the socket has it)
  cookie: 'f64',
  atUs: 'f64', // CLOCK_BOOTTIME
  netns: 'f64', // inode; 0: not known
  netnsCookie: 'f64', // 0: not known
  pid: 'u32', // thread group id in the initial pid namespace; 0: no owner is known
  startTicks: 'f64', // 0: not known
  uid: 'u32', // NO_UID when not known
  cgroup: 'f64', // id (inode) in the unified hierarchy; 0: not known
  evidence: 'u8', // OwnerEvidence for pid
  previous: 'u8', // Owner: OwnerEvidence of the process before, None if it is the same process or the first
  flags: 'u8', // SocketFlag
  sequence: 'u32', // of TCP, with SentFrom or ReceivedFrom
} as const;
export type SocketEventColumns = Columns<typeof SOCKET_EVENT_COLUMNS>;

/** Which process acted on a socket, from when on. */
export const OWNER_COLUMNS = {
  cookie: 'f64',
  pid: 'u32',
  startTicks: 'f64', // 0: not known
  evidence: 'u8', // OwnerEvidence
  previous: 'u8', // OwnerEvidence of the process before, when it was another one
  source: 'u8', // SourceCode of the layer that saw it
  flags: 'u8', // SocketFlag: Shared, or Kernel with pid 0
  fromUs: 'f64', // CLOCK_BOOTTIME
  edge: 'u8', // SocketFlag.SentFrom or ReceivedFrom: it took the socket over at `sequence`; 0: not known
  sequence: 'u32', // of TCP
} as const;
export type OwnerColumns = Columns<typeof OWNER_COLUMNS>;

/** Sockets whose last descriptor was closed, and what connections had carried when their sockets were destroyed. */
export const CLOSED_COLUMNS = {
  cookie: 'f64',
  atUs: 'f64', // CLOCK_BOOTTIME; of a socket that was not told before, when its end was heard of; 0: others tell when
  key: 'key', // local, remote; all zero: the socket was told before, or its tuple is gone
  hasTotals: 'u8', // 1: the kernel told the following, octets of payload
  sentBytes: 'f64', // each once, however often it was sent again
  ackedBytes: 'f64', // of them, those that the peer confirmed; one too many if it did not confirm the last ones
  receivedBytes: 'f64', // in order; the end of the stream (FIN) counts as one, if data came before it
} as const;
export type ClosedColumns = Columns<typeof CLOSED_COLUMNS>;
/** Columns of what a connection carried. */
export const TOTALS = ['hasTotals', 'sentBytes', 'ackedBytes', 'receivedBytes'] as const;
