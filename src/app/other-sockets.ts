import { SOCKET_STATE_NAMES } from '../core/socket.ts';
import { NetlinkClient, type NetlinkTransport } from '../linux/netlink-client.ts';
import type { ProcFs } from '../linux/proc-fs.ts';
import { parseProcNetNetlink, parseProcNetPacket, parseProcNetUnix } from '../linux/proc-net-other.ts';
import { dumpNetlink, dumpPacket, dumpUnix, type OtherSocketRow } from '../linux/sock-diag-other.ts';

/** A socket without internet addresses, as `sockets` lists it. */
export interface OtherSocket {
  readonly protocol: string; // 'unix-stream', 'packet-raw', 'netlink-route' ...
  readonly state: string | null;
  readonly path: string | null;
  readonly ifindex: number | null;
  readonly receiveQueue: number | null;
  readonly sendQueue: number | null;
  readonly uid: number | null;
  readonly inode: number;
  readonly cookie: number | null;
  readonly source: 'diag' | 'proc';
}

const TYPES: Readonly<Record<number, string>> = { 1: 'stream', 2: 'dgram', 3: 'raw', 5: 'seqpacket', 10: 'packet' };

/** include/uapi/linux/netlink.h */
const NETLINK_FAMILIES = [
  'route',
  'unused',
  'usersock',
  'firewall',
  'sock-diag',
  'nflog',
  'xfrm',
  'selinux',
  'iscsi',
  'audit',
  'fib-lookup',
  'connector',
  'netfilter',
  'ip6-fw',
  'dnrtmsg',
  'uevent',
  'generic',
] as const;

const netlinkName = (family: number): string => `netlink-${NETLINK_FAMILIES[family] ?? family}`;
const typeName = (family: string, type: number): string => `${family}-${TYPES[type] ?? type}`;

/** By sock_diag where it answers, by /proc/net for each family where it does not. */
export function readOtherSockets(transport: NetlinkTransport | undefined, proc: ProcFs, folder: string): OtherSocket[] {
  const client = transport === undefined ? undefined : new NetlinkClient(transport);
  const rows: OtherSocket[] = [];
  const readers = [
    { dump: dumpUnix, read: readUnix },
    { dump: dumpPacket, read: readPacket },
    { dump: dumpNetlink, read: readNetlink },
  ];
  for (const { dump, read } of readers) {
    const dumped: OtherSocketRow[] = [];
    if (client !== undefined && dump(client, dumped) === 0) rows.push(...dumped.map(fromDiag));
    else rows.push(...read(proc, folder));
  }
  return rows;
}

function fromDiag(row: OtherSocketRow): OtherSocket {
  return {
    protocol: row.family === 'netlink' ? netlinkName(row.protocol ?? -1) : typeName(row.family, row.type),
    state: row.state === null ? null : (SOCKET_STATE_NAMES[row.state] ?? null),
    path: row.path,
    ifindex: row.ifindex,
    receiveQueue: null,
    sendQueue: null,
    uid: row.uid,
    inode: row.inode,
    cookie: row.cookie,
    source: 'diag',
  };
}

const ABSENT = { path: null, ifindex: null, sendQueue: null, uid: null, cookie: null, source: 'proc' } as const;

function readUnix(proc: ProcFs, folder: string): OtherSocket[] {
  return parseProcNetUnix(proc.readText(`${folder}/unix`) ?? '', `${folder}/unix`, ignoreBadLine).map((row) => ({
    ...ABSENT,
    protocol: typeName('unix', row.type),
    state: row.listening ? 'LISTEN' : row.state === 3 ? 'ESTAB' : 'UNCONN', // SS_CONNECTED
    path: row.path,
    receiveQueue: null,
    inode: row.inode,
  }));
}

function readPacket(proc: ProcFs, folder: string): OtherSocket[] {
  return parseProcNetPacket(proc.readText(`${folder}/packet`) ?? '', `${folder}/packet`, ignoreBadLine).map((row) => ({
    ...ABSENT,
    protocol: typeName('packet', row.type),
    state: null,
    ifindex: row.ifindex,
    receiveQueue: row.receiveQueue,
    uid: row.uid,
    inode: row.inode,
  }));
}

function readNetlink(proc: ProcFs, folder: string): OtherSocket[] {
  return parseProcNetNetlink(proc.readText(`${folder}/netlink`) ?? '', `${folder}/netlink`, ignoreBadLine).map(
    (row) => ({
      ...ABSENT,
      protocol: netlinkName(row.protocol),
      state: null,
      receiveQueue: row.receiveQueue,
      sendQueue: row.sendQueue,
      inode: row.inode,
    }),
  );
}

/** A listing shows what it could read; the recorder counts such lines. */
function ignoreBadLine(): void {}
