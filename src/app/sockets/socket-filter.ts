/** Which of the listed sockets are wanted, and in which order. */
import type { Value } from '../../core/record.ts';
import type { SocketField } from '../../core/socket-record.ts';
import { isInternet, isListening, type ListedSocket } from './socket-list.ts';

/** All that is given has to hold. */
export interface SocketFilter {
  readonly families: 'all' | 'inet';
  readonly listening: boolean;
  readonly protocol?: string; // of the socket, or what a raw socket carries
  readonly port?: number; // of either end
  readonly user?: string; // name or uid of the socket's owner
  readonly pid?: number; // any holder
  readonly process?: string; // comm, exe, or the last part of exe, of any holder
}

export interface FilteredSockets {
  readonly sockets: readonly ListedSocket[];
  readonly hidden: number; // sockets that fit but for the process, which may not be seen
}

/** @param exeOf path of the executable, null: not known */
export function filterSockets(
  all: readonly ListedSocket[],
  filter: SocketFilter,
  exeOf: (pid: number) => string | null,
): FilteredSockets {
  const fitting = all.filter((socket) => fits(socket, filter));
  const hidden = fitting.filter(({ record }) => record.reason === 'no-permission').length;
  return { sockets: fitting.filter((socket) => isHeld(socket, filter, exeOf)), hidden };
}

function fits(socket: ListedSocket, { families, listening, protocol, port, user }: SocketFilter): boolean {
  const { record } = socket;
  if (families === 'inet' && !isInternet(socket)) return false;
  if (listening && !isListening(socket)) return false;
  if (protocol !== undefined && record.protocol !== protocol && !carries(socket, protocol)) return false;
  if (port !== undefined && record.local_port !== port && record.remote_port !== port) return false;
  return user === undefined || record.user === user || String(record.uid) === user;
}

const carries = ({ record }: ListedSocket, protocol: string): boolean =>
  record.protocol === 'raw' && record.subprotocol === protocol;

function isHeld({ holders }: ListedSocket, { pid, process }: SocketFilter, exeOf: (pid: number) => string | null) {
  if (pid === undefined && process === undefined) return true;
  return holders.some((holder) => {
    if (pid !== undefined && holder.pid !== pid) return false;
    if (process === undefined || holder.comm === process) return true;
    const exe = exeOf(holder.pid);
    return exe !== null && (exe === process || exe.endsWith(`/${process}`));
  });
}

export const PROTOCOLS = [
  'tcp',
  'udp',
  'udplite',
  'sctp',
  'icmp',
  'icmp6',
  'raw',
  'unix',
  'packet',
  'netlink',
] as const;

/** Fields to sort by, with the direction that people mean. */
export const SOCKET_SORTS = {
  protocol: { natural: 'asc', field: 'protocol' },
  state: { natural: 'asc', field: 'state' },
  local: { natural: 'asc', field: 'local_addr' },
  remote: { natural: 'asc', field: 'remote_addr' },
  port: { natural: 'asc', field: 'local_port' },
  process: { natural: 'asc', field: 'comm' },
  pid: { natural: 'asc', field: 'pid' },
  user: { natural: 'asc', field: 'user' },
  inode: { natural: 'asc', field: 'inode' },
  receive_queue: { natural: 'desc', field: 'receive_queue' },
  send_queue: { natural: 'desc', field: 'send_queue' },
} as const satisfies Readonly<Record<string, { natural: 'asc' | 'desc'; field: SocketField }>>;
export type SocketSort = keyof typeof SOCKET_SORTS;

/** Ties are kept in the order of ss(8): protocol, listeners first, then ports and addresses. Null comes last. */
export function sortSockets(
  sockets: readonly ListedSocket[],
  { by, direction }: { readonly by: SocketSort; readonly direction: 'asc' | 'desc' },
): readonly ListedSocket[] {
  const { field } = SOCKET_SORTS[by];
  const sign = direction === 'asc' ? 1 : -1;
  const first = (a: ListedSocket, b: ListedSocket): number =>
    field === 'protocol' ? sign * (rankOf(a) - rankOf(b)) : compareValues(a.record[field], b.record[field], sign);
  return [...sockets].sort((a, b) => first(a, b) || compareNatural(a, b));
}

const TIE_BREAKERS = ['local_port', 'local_addr', 'remote_addr', 'remote_port', 'path', 'inode'] as const;

function compareNatural(a: ListedSocket, b: ListedSocket): number {
  const rank = rankOf(a) - rankOf(b) || Number(isListening(b)) - Number(isListening(a));
  if (rank !== 0) return rank;
  for (const field of TIE_BREAKERS) {
    const order = compareValues(a.record[field], b.record[field], 1);
    if (order !== 0) return order;
  }
  return 0;
}

/** As a list of any values, which the field of a record is. */
const RANKS: readonly Value[] = PROTOCOLS;
const rankOf = ({ record }: ListedSocket): number => RANKS.indexOf(record.protocol);

/** 10.0.0.9 before 10.0.0.10 */
const collator = new Intl.Collator('en', { numeric: true });

function compareValues(a: Value, b: Value, sign: number): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return sign * (typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b)));
}
