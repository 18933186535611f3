/** Who holds a socket at this moment: the kernel's answer to `who`, beside that of the database. */
import { addressBytes, formatAddress, isUnspecified } from '../../core/address.ts';
import type { Reason } from '../../core/attribution.ts';
import { commandLine } from '../../core/command-line.ts';
import type { Process } from '../../core/process.ts';
import type { Value } from '../../core/record.ts';
import { NO_UID, SOCKET_STATE_NAMES, SOURCES, type SocketColumns } from '../../core/socket.ts';
import type { Us } from '../../core/time.ts';
import {
  K_FIRST,
  K_SECOND,
  KEY_WORDS,
  keyFirstPort,
  keyProtocol,
  keySecondPort,
  protocolName,
} from '../../core/tuple.ts';
import type { ProcFs } from '../../linux/proc-fs.ts';
import { readProcess } from '../../linux/proc-pid.ts';
import type { SockDiag } from '../../linux/sock-diag.ts';
import type { TupleEnd, TupleQuery } from '../../store/compile-tuple.ts';
import { readInternetSockets } from './internet-sockets.ts';
import { findHolders, type Holders } from './socket-holders.ts';

type Row = Readonly<Record<string, Value>>;

export interface LiveOwnersInput {
  readonly proc: ProcFs;
  readonly diag: SockDiag | undefined; // undefined: sockets come from /proc/net
  readonly userName: (uid: number) => string | null;
  readonly nowUs: Us; // since the epoch
}

/** A socket as fields of a flow record (src is its local end), and all who hold it. */
export interface LiveOwner {
  readonly record: Row;
  readonly holders: readonly Row[];
}

/** Sockets that match `query` now, connected ones first. */
export function liveOwners(query: TupleQuery, input: LiveOwnersInput): readonly LiveOwner[] {
  const found: { readonly sockets: SocketColumns; readonly row: number }[] = [];
  for (const { sockets } of readInternetSockets(input.diag, input.proc, () => 'thread-self/net') ?? []) {
    for (let row = 0; row < sockets.count; row++) if (matches(query, sockets, row)) found.push({ sockets, row });
  }
  if (found.length === 0) return [];
  const isConnected = ({ sockets, row }: (typeof found)[number]): number =>
    keySecondPort(sockets.key, row * KEY_WORDS) === 0 ? 0 : 1;
  found.sort((a, b) => isConnected(b) - isConnected(a));
  const holders = findHolders(input.proc);
  return found.map(({ sockets, row }) => describe(sockets, row, holders, input));
}

function matches({ protocol, ends }: TupleQuery, sockets: SocketColumns, row: number): boolean {
  const at = row * KEY_WORDS;
  if (protocol !== undefined && keyProtocol(sockets.key, at) !== protocol) return false;
  const local = (end: TupleEnd): boolean =>
    fits(end, sockets.key, at + K_FIRST, keyFirstPort(sockets.key, at), 'local');
  const remote = (end: TupleEnd): boolean =>
    fits(end, sockets.key, at + K_SECOND, keySecondPort(sockets.key, at), 'remote');
  const [first, second] = ends;
  if (first === undefined) return true;
  if (second === undefined) return local(first) || remote(first);
  return (local(first) && remote(second)) || (local(second) && remote(first));
}

/** A socket bound to all addresses is at home on every local one. */
function fits(end: TupleEnd, key: Int32Array, at: number, port: number, side: 'local' | 'remote'): boolean {
  if (end.port !== undefined && end.port !== port) return false;
  if (end.address === undefined) return end.port !== undefined;
  if (isUnspecified(key, at)) return side === 'local' && end.port !== undefined;
  const own = addressBytes(key, at);
  return own.length === end.address.length && own.every((octet, i) => octet === end.address![i]);
}

function describe(
  sockets: SocketColumns,
  row: number,
  { byInode, isPartial }: Holders,
  input: LiveOwnersInput,
): LiveOwner {
  const at = row * KEY_WORDS;
  const { key } = sockets;
  const inode = sockets.inode[row]!;
  const processes = [...new Set(byInode.get(inode)?.map(({ pid }) => pid))].flatMap(
    (pid) => readProcess(input.proc, pid) ?? [],
  );
  const only = processes.length === 1 ? processes[0]! : null;
  const reason = only === null ? whyNobody(processes.length, inode, isPartial) : null;
  const source = SOURCES[sockets.source[row]!] ?? 'proc';
  const uid = only?.uid ?? (sockets.uid[row] === NO_UID ? null : sockets.uid[row]!);
  const connected = keySecondPort(key, at) !== 0;
  const record: Row = {
    flow_id: null,
    state: SOCKET_STATE_NAMES[sockets.state[row]!] ?? null,
    protocol: protocolName(keyProtocol(key, at)),
    src_addr: formatAddress(key, at + K_FIRST),
    src_port: keyFirstPort(key, at),
    dst_addr: connected ? formatAddress(key, at + K_SECOND) : null,
    dst_port: connected ? keySecondPort(key, at) : null,
    first_us: input.nowUs,
    last_us: input.nowUs,
    ...fieldsOf(only, 'src_'),
    src_uid: uid,
    src_user: uid === null ? null : input.userName(uid),
    src_source: source,
    src_confidence: only !== null ? 'exact' : reason === 'ambiguous' ? 'ambiguous' : 'unknown', // the socket itself was read
    src_reason: reason,
    src_gap_us: 0,
    src_holders: processes.length,
  };
  const user = (process: Process): Row => ({ user: input.userName(process.uid), uid: process.uid });
  const holders = only === null ? processes.map((p) => ({ side: 'src', ...fieldsOf(p, ''), ...user(p) })) : [];
  return { record, holders };
}

function fieldsOf(process: Process | null, prefix: '' | 'src_'): Row {
  if (process === null) return {};
  const { pid, comm, exe, unit, container, netns, argv } = process;
  const cmdline = argv === null ? null : commandLine(argv);
  const fields = { netns: netns === 0 ? null : netns, pid, comm, exe, cmdline, unit, container };
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [`${prefix}${name}`, value]));
}

function whyNobody(holders: number, inode: number, isPartial: boolean): Reason {
  if (holders > 1) return 'ambiguous';
  if (inode === 0) return 'closed-before-scan'; // TIME_WAIT and orphans: its process has closed it
  return isPartial ? 'no-permission' : 'kernel';
}
