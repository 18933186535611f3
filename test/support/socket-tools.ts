/** What ss(8), lsof(8), netstat(8) and `pcapid sockets` say of the same sockets, as lines that can be compared. */
import { protocolNumber } from '../../src/core/tuple.ts';

/** A record of `pcapid sockets --format json`. */
export interface SocketRow {
  readonly [field: string]: string | number | null;
}

/** NETLINK_* of include/uapi/linux/netlink.h, by number. */
const NETLINK: Readonly<Record<number, string>> = {
  0: 'route',
  4: 'sock-diag',
  6: 'xfrm',
  7: 'selinux',
  9: 'audit',
  10: 'fib-lookup',
  11: 'connector',
  12: 'netfilter',
  15: 'uevent',
  16: 'generic',
};
const UNIX_TYPES: Readonly<Record<string, string>> = { u_str: 'stream', u_dgr: 'dgram', u_seq: 'seqpacket' };
const ETHER_TYPES: Readonly<Record<string, string>> = { '[35020]': 'lldp', '[2054]': 'arp' };

/** `comm(pid,fd) ...` as [pid, fd], in the order of ss and lsof lines made here. */
export function holdersOf({ holder_list }: SocketRow): readonly string[] {
  return [...String(holder_list ?? '').matchAll(/\((\d+),(\d+)\)/g)].map((m) => `${m[1]}/${m[2]}`).sort();
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');

/** `ss -napeOH` of any families, and what `--format json` has of the same. */
export function ssLines(text: string): string[] {
  return linesOf(text).map((line) => {
    const words = line.trim().split(/\s+/);
    const users = [...line.matchAll(/"[^"]*",pid=(\d+),fd=(\d+)/g)].map((m) => `${m[1]}/${m[2]}`).sort();
    const detail = (name: string): string => new RegExp(` ${name}:([0-9a-f]+)`).exec(line)?.[1] ?? '';
    const [netid = '', state, receive, send, local = '', remote = ''] = words;
    const queues = `${receive} ${send}`;
    if (netid.startsWith('u_')) {
      const [path, inode, , peer] = words.slice(4);
      return `unix ${UNIX_TYPES[netid]} ${state} ${queues} ${path} ${inode} ${peer} ${users}`;
    }
    if (netid.startsWith('p_')) {
      const [, protocol = '', device] = /^(.*):(.*)$/.exec(local)!;
      return `packet ${netid.slice(2)} ${queues} ${ETHER_TYPES[protocol]} ${device} ${detail('ino')} ${detail('sk')} ${users}`;
    }
    const identity = netid === 'raw' ? '' : ` ino:${detail('ino')} sk:${detail('sk')} uid:${detail('uid') || 0}`;
    return `${netid} ${state} ${queues} ${ssEnd(local)} ${remote.endsWith(':*') ? '*' : ssEnd(remote)}${identity} ${users}`;
  });
}

/** `ss -A netlink -napeOH`; each once, because the kernel repeats sockets that have joined a group. */
export function ssNetlinkLines(text: string): string[] {
  const lines = linesOf(text).map((line) => {
    const [state, receive, send, local = ''] = line.trim().split(/\s+/);
    const [family, portId] = local.split(':');
    return `netlink ${NETLINK[Number(family)]} ${portId} ${state} ${receive} ${send}`;
  });
  return [...new Set(lines)];
}

/** [fe80::1]%eth0:80, *:80 and [::ffff:127.0.0.1]:80 in one spelling. */
function ssEnd(text: string): string {
  const [, address = '', port] = /^(.*):([^:]*)$/.exec(text)!;
  return `${address.replace(/[[\]]/g, '').replace('::ffff:', '').replace(/^\*/, '::')} ${port}`;
}

/** The line that ssLines() or ssNetlinkLines() has for the same socket. */
export function asSs(row: SocketRow): string {
  const queues = `${row.receive_queue} ${row.send_queue}`;
  const users = holdersOf(row);
  const cookie = Number(row.cookie).toString(16);
  if (row.family === 'netlink') return `netlink ${row.subprotocol} ${row.port_id} ${row.state} ${queues}`;
  if (row.family === 'unix') {
    return `unix ${row.type} ${row.state} ${queues} ${row.path ?? '*'} ${row.inode} ${row.peer_inode ?? 0} ${users}`;
  }
  if (row.family === 'packet') {
    const type = row.type === 'dgram' ? 'dgr' : row.type;
    return `packet ${type} ${queues} ${row.subprotocol} ${row.interface ?? '*'} ${row.inode} ${cookie} ${users}`;
  }
  const isRaw = row.protocol === 'raw';
  const port = isRaw ? protocolNumber(String(row.subprotocol)) : row.local_port;
  const device = row.interface === null ? '' : `%${row.interface}`;
  const remote = row.remote_addr === null ? '*' : `${row.remote_addr} ${row.remote_port}`;
  const identity = isRaw ? '' : ` ino:${row.inode ?? 0} sk:${cookie} uid:${row.uid ?? 0}`;
  return `${row.protocol} ${row.state} ${queues} ${row.local_addr}${device} ${port} ${remote}${identity} ${users}`;
}

/** `lsof -nP -i -F pftPnTd`: a line for each descriptor. */
export function lsofLines(text: string): string[] {
  const lines: string[] = [];
  let pid = '';
  let one: Record<string, string> = {};
  const flush = (): void => {
    if (one.f !== undefined)
      lines.push(`${pid}/${one.f} ${one.d} ${one.t} ${one.P} ${one.n} ${one.TST ?? ''}`.trimEnd());
    one = {};
  };
  for (const line of linesOf(text)) {
    const [field = '', value] = [line[0], line.slice(1)];
    if (field === 'p' || field === 'f') flush();
    if (field === 'p') pid = value;
    else if (field !== 'T') one[field] = value;
    else if (value.startsWith('ST=')) one.TST = value.slice(3);
  }
  flush();
  return lines;
}

/** The lines that lsofLines() has for the same socket. */
export function asLsof(row: SocketRow): string[] {
  const end = (address: unknown, port: unknown): string => {
    if (address === '0.0.0.0' || address === '::') return `*:${port}`;
    return String(address).includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  };
  const local = end(row.local_addr, row.local_port);
  const name = row.remote_addr === null ? local : `${local}->${end(row.remote_addr, row.remote_port)}`;
  const state =
    row.protocol === 'tcp'
      ? ` ${String(row.state)
          .replaceAll('-', '_')
          .replace(/^ESTAB$/, 'ESTABLISHED')}`
      : '';
  const family = row.family === 'inet6' ? 'IPv6' : 'IPv4';
  const protocol = String(row.protocol).toUpperCase();
  return holdersOf(row).map((holder) => `${holder} ${row.inode} ${family} ${protocol} ${name}${state}`);
}

/** `netstat -tuUwapeenW`: what it alone can say of raw and udplite sockets, their inode, is in it. */
export function netstatLines(text: string): string[] {
  return linesOf(text).flatMap((line) => {
    const words = line.trim().split(/\s+/);
    const [protocol = '', receive, , local = '', remote = ''] = words;
    if (!/^(tcp|udp|udpl|raw)6?$/.test(protocol)) return [];
    const at = words.findIndex((word, i) => i >= 7 && /^(\d+\/.*|-)$/.test(word));
    const [uid, inode] = words.slice(at - 2, at);
    const name = protocol.replace('6', '').replace(/^udpl$/, 'udplite');
    const to = remote.endsWith(':*') ? '*' : ssEnd(remote);
    return [`${name} ${receive} ${ssEnd(local)} ${to} ino:${inode} uid:${inode === '0' ? '-' : uid}`];
  });
}

/** The line that netstatLines() has for the same socket. */
export function asNetstat(row: SocketRow): string {
  const port = row.protocol === 'raw' ? protocolNumber(String(row.subprotocol)) : row.local_port;
  const remote = row.remote_addr === null ? '*' : `${row.remote_addr} ${row.remote_port}`;
  const owner = `ino:${row.inode ?? 0} uid:${row.inode === null ? '-' : row.uid}`;
  return `${row.protocol} ${row.receive_queue} ${row.local_addr} ${port} ${remote} ${owner}`;
}
