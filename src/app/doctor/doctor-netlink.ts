/** Checks of what the addon opens: sock_diag protocol by protocol, interfaces, other namespaces. */
import { getSystemErrorName } from 'node:util';
import { createColumns } from '../../core/columns.ts';
import type { Check } from '../../core/health.ts';
import { SOCKET_COLUMNS, SocketState } from '../../core/socket.ts';
import { Protocol, protocolName } from '../../core/tuple.ts';
import { NetlinkClient, type NetlinkTransport } from '../../linux/netlink-client.ts';
import { Route } from '../../linux/route.ts';
import { SockDiag } from '../../linux/sock-diag.ts';
import { dumpNetlink, dumpPacket, dumpUnix } from '../../linux/sock-diag-other.ts';
import { AF_INET } from '../../linux/socket-key.ts';
import type { Native } from '../../native/binding.ts';
import { NETLINK_ROUTE, NETLINK_SOCK_DIAG, openNetlink } from '../record/netlink-transport.ts';
import { failed, limited, passed } from './doctor-check.ts';

const POLLED = 'sockets are polled from /proc/net once a second: most short connections stay unknown';

export function checkDiag(native: Native): Check {
  return withNetlink(native, NETLINK_SOCK_DIAG, 'diag', POLLED, (transport) => {
    const answers = askAll(transport);
    const refused = answers.filter(({ errno }) => errno < 0);
    const why = refused.map(({ name, errno }) => `${name} (${getSystemErrorName(errno)})`).join(', ');
    if (refused.length === answers.length) {
      return { ...limited('diag', `sock_diag refuses every dump: ${why}`, POLLED, MODULES), state: 'missing' };
    }
    const works = answers.filter(({ errno }) => errno === 0).map(({ name }) => name);
    const detail = `${works.join(' ')}${why === '' ? '' : `; from /proc/net: ${why}`}`;
    const isEnough = works.includes('tcp') && works.includes('udp');
    return isEnough ? passed('diag', detail) : limited('diag', detail, 'short flows of these stay unknown', MODULES);
  });
}

const MODULES = 'Load the modules: modprobe -a tcp_diag udp_diag inet_diag';

/** 0 or -errno of a dump, for every kind of socket. */
function askAll(transport: NetlinkTransport): readonly { readonly name: string; readonly errno: number }[] {
  const diag = new SockDiag(transport, () => 0);
  const client = new NetlinkClient(transport);
  const internet = [Protocol.Tcp, Protocol.Udp, Protocol.UdpLite, Protocol.Raw].map((protocol) => ({
    name: protocol === Protocol.Raw ? 'raw' : protocolName(protocol),
    errno: diag.dump(protocol, AF_INET, 1 << SocketState.Listen, createColumns(SOCKET_COLUMNS)),
  }));
  const others = { unix: dumpUnix, packet: dumpPacket, netlink: dumpNetlink };
  return [...internet, ...Object.entries(others).map(([name, dump]) => ({ name, errno: dump(client, []) }))];
}

export function checkRoute(native: Native): Check {
  const loss = 'local addresses are not known: no recording; `interfaces` reads /sys';
  return withNetlink(native, NETLINK_ROUTE, 'route', loss, (transport) => {
    const route = new Route(transport);
    const interfaces = route.interfaces();
    if (route.lastError === 0) return passed('route', `interfaces: ${interfaces.map(({ name }) => name).join(' ')}`);
    const detail = `the kernel refuses a list of interfaces: ${getSystemErrorName(route.lastError)}`;
    return { ...limited('route', detail, loss), state: 'missing' };
  });
}

/** setns(2) asks for the right even where it leads to the namespace one is in already. */
export function checkForeignNetns(native: Native): Check {
  const fd = native.netlinkOpen(NETLINK_ROUTE, 0, 0, '/proc/self/ns/net');
  if (fd >= 0) {
    native.closeFd(fd);
    return passed('netns', 'other network namespaces can be entered');
  }
  const loss = '`sockets --netns NAME` only through the /proc of a process in it';
  return limited('netns', `setns: ${getSystemErrorName(fd)}`, loss, 'Run as root (CAP_SYS_ADMIN).');
}

function withNetlink(
  native: Native,
  family: number,
  name: string,
  loss: string,
  check: (transport: NetlinkTransport) => Check,
): Check {
  let transport: NetlinkTransport;
  try {
    transport = openNetlink(native, family);
  } catch (error) {
    return failed(name, error, loss);
  }
  try {
    return check(transport);
  } finally {
    transport.close();
  }
}
