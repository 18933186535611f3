/** Sockets without internet addresses, each family by sock_diag where it answers and by /proc/net where it does not. */
import { SOCKET_STATE_NAMES } from '../../core/socket.ts';
import type { NetlinkClient } from '../../linux/netlink-client.ts';
import type { ProcFs } from '../../linux/proc-fs.ts';
import { parseProcNetNetlink, parseProcNetPacket, parseProcNetUnix } from '../../linux/proc-net-other.ts';
import { dumpNetlink, dumpPacket, dumpUnix, type OtherSocketRow } from '../../linux/sock-diag-other.ts';

export interface OtherSocket {
  readonly family: 'unix' | 'packet' | 'netlink';
  readonly type: string | null;
  readonly subprotocol: string | null; // EtherType, family of netlink
  readonly state: string | null;
  readonly path: string | null;
  readonly peerInode: number | null;
  readonly portId: number | null;
  readonly ifindex: number; // 0: bound to none
  readonly receiveQueue: number | null;
  readonly sendQueue: number | null;
  readonly uid: number | null;
  readonly inode: number;
  readonly cookie: number | null;
  readonly source: 'diag' | 'proc';
}

/** SOCK_*, include/linux/net.h */
const TYPES: Readonly<Record<number, string>> = { 1: 'stream', 2: 'dgram', 3: 'raw', 5: 'seqpacket', 10: 'packet' };

/** ETH_P_*, include/uapi/linux/if_ether.h */
const ETHER_TYPES: Readonly<Record<number, string>> = {
  0: 'none',
  1: '802.3',
  3: 'all',
  4: '802.2',
  2048: 'ipv4',
  2054: 'arp',
  33024: 'vlan',
  34525: 'ipv6',
  34958: 'eapol',
  35020: 'lldp',
};

/** NETLINK_*, include/uapi/linux/netlink.h; index = family */
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
  'dm',
  'scsi-transport',
  'ecryptfs',
  'rdma',
  'crypto',
  'smc',
] as const;

const etherType = (type: number): string => ETHER_TYPES[type] ?? `0x${type.toString(16).padStart(4, '0')}`;
const netlinkFamily = (family: number): string => NETLINK_FAMILIES[family] ?? String(family);
const stateName = (state: number | null): string | null =>
  state === null ? null : (SOCKET_STATE_NAMES[state] ?? null);

/**
 * @param client undefined: there is no sock_diag
 * @param folder of /proc/net in the namespace; asked for only where sock_diag has no answer
 */
export function readOtherSockets(
  client: NetlinkClient | undefined,
  proc: ProcFs,
  folder: () => string | undefined,
): readonly OtherSocket[] {
  const sockets: OtherSocket[] = [];
  for (const { dump, file, parse } of FAMILIES) {
    const rows: OtherSocketRow[] = [];
    if (client !== undefined && dump(client, rows) === 0) sockets.push(...withoutRepeats(rows.map(fromDiag)));
    else {
      const path = `${folder() ?? 'none'}/${file}`;
      sockets.push(...withoutRepeats(parse(proc.readText(path) ?? '', path)));
    }
  }
  return sockets;
}

/** The kernel lists a netlink socket twice when it has joined a group: net/netlink/diag.c __netlink_diag_dump(). */
function withoutRepeats(sockets: readonly OtherSocket[]): readonly OtherSocket[] {
  const seen = new Set<string>();
  return sockets.filter(({ inode, cookie, portId }) => {
    const identity = `${inode} ${cookie} ${portId}`;
    return seen.size < seen.add(identity).size;
  });
}

function fromDiag(row: OtherSocketRow): OtherSocket {
  const { family, protocol, path, peerInode, receiveQueue, sendQueue, uid, inode, cookie } = row;
  return {
    family,
    type: typeName(row.type),
    subprotocol: protocol === null ? null : family === 'packet' ? etherType(protocol) : netlinkFamily(protocol),
    state: stateName(row.state),
    path,
    peerInode: peerInode === 0 ? null : peerInode,
    portId: row.portid,
    ifindex: row.ifindex ?? 0,
    receiveQueue,
    sendQueue,
    uid,
    inode,
    cookie,
    source: 'diag',
  };
}

const typeName = (type: number): string => TYPES[type] ?? String(type);

/** What /proc/net does not say of any of them. */
const ABSENT = {
  state: null,
  path: null,
  peerInode: null,
  portId: null,
  ifindex: 0,
  receiveQueue: null,
  sendQueue: null,
  uid: null,
  cookie: null,
  subprotocol: null,
  source: 'proc',
} as const;

const SS_CONNECTED = 3; // include/uapi/linux/net.h

function parseUnix(text: string, path: string): OtherSocket[] {
  return parseProcNetUnix(text, path, ignoreBadLine).map((row) => ({
    ...ABSENT,
    family: 'unix',
    type: typeName(row.type),
    state: row.listening ? 'LISTEN' : row.state === SS_CONNECTED ? 'ESTAB' : 'UNCONN',
    path: row.path,
    inode: row.inode,
  }));
}

function parsePacket(text: string, path: string): OtherSocket[] {
  return parseProcNetPacket(text, path, ignoreBadLine).map((row) => ({
    ...ABSENT,
    family: 'packet',
    type: typeName(row.type),
    subprotocol: etherType(row.protocol),
    ifindex: row.ifindex,
    receiveQueue: row.receiveQueue,
    uid: row.uid,
    inode: row.inode,
  }));
}

function parseNetlink(text: string, path: string): OtherSocket[] {
  return parseProcNetNetlink(text, path, ignoreBadLine).map((row) => ({
    ...ABSENT,
    family: 'netlink',
    type: null,
    subprotocol: netlinkFamily(row.protocol),
    portId: row.portid,
    receiveQueue: row.receiveQueue,
    sendQueue: row.sendQueue,
    inode: row.inode,
  }));
}

/** A listing shows what it could read; the recorder counts such lines. */
function ignoreBadLine(): void {}

const FAMILIES = [
  { dump: dumpUnix, file: 'unix', parse: parseUnix },
  { dump: dumpPacket, file: 'packet', parse: parsePacket },
  { dump: dumpNetlink, file: 'netlink', parse: parseNetlink },
] as const;
