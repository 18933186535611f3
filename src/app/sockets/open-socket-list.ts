/** Reads all that `sockets` shows, by whatever works: addon and sock_diag, else /proc. */
import { UserError } from '../../core/errors.ts';
import { NetlinkClient, type NetlinkTransport } from '../../linux/netlink-client.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { Route } from '../../linux/route.ts';
import { SockDiag } from '../../linux/sock-diag.ts';
import { UserNames } from '../../linux/users.ts';
import type { Native } from '../../native/binding.ts';
import { InterfaceNames } from '../record/interface-names.ts';
import { NETLINK_ROUTE, NETLINK_SOCK_DIAG, tryNetlink } from '../record/netlink-transport.ts';
import { readInternetSockets } from './internet-sockets.ts';
import { readOtherSockets } from './other-sockets.ts';
import { findHolders } from './socket-holders.ts';
import { type ListedSocket, listSockets } from './socket-list.ts';
import { type ListedNetns, resolveNetns } from './socket-netns.ts';

const AS_ROOT = 'Run it as root (CAP_SYS_ADMIN enters other namespaces), or name a pid of a process in it.';

/**
 * @param native undefined: there is no addon
 * @param wantedNetns name, pid or path; undefined: the own one
 * @throws UserError when there is no such namespace, or no source that shows it
 */
export function readSocketList(
  native: Native | undefined,
  wantedNetns: string | undefined,
  roots = { proc: new ProcFs('/proc'), sys: new ProcFs('/sys'), etc: new ProcFs('/etc') },
): readonly ListedSocket[] {
  const { proc } = roots;
  const netns = resolveNetns(wantedNetns, proc);
  const transport = native && tryNetlink(native, NETLINK_SOCK_DIAG, netns.path); // refused: /proc is next
  const route = native && tryNetlink(native, NETLINK_ROUTE, netns.path);
  try {
    const diag = transport && new SockDiag(transport, () => 0);
    const internet = readInternetSockets(diag, proc, netns.procFolder);
    if (internet === undefined) throw unreadable(netns);
    const others = readOtherSockets(transport && new NetlinkClient(transport), proc, netns.procFolder);
    const holders = findHolders(proc);
    const users = new UserNames(roots.etc);
    const names = interfaceNames(route, netns, roots.sys);
    return listSockets({
      internet,
      others,
      holders,
      netns: netns.inode,
      userName: (uid) => users.get(uid),
      interfaceName: (ifindex) => names.get(netns.inode, ifindex),
    });
  } finally {
    transport?.close();
    route?.close();
  }
}

function unreadable({ path }: ListedNetns): UserError {
  if (path !== '') return new UserError('no-netns-right', `the sockets in ${path} may not be read`, AS_ROOT);
  return new UserError(
    'no-sockets',
    'neither sock_diag nor /proc/net shows any sockets here',
    'See what is missing with: pcapid doctor',
  );
}

/** Without netlink, /sys knows the interfaces of the own namespace. */
function interfaceNames(route: NetlinkTransport | undefined, netns: ListedNetns, sys: ProcFs): InterfaceNames {
  if (route !== undefined) {
    const links = new Route(route);
    return new InterfaceNames(() => links.links());
  }
  const names = netns.path === '' ? (sys.readDir('class/net') ?? []) : [];
  return new InterfaceNames(() =>
    names.map((name) => ({ name, ifindex: Number(sys.readText(`class/net/${name}/ifindex`) ?? 0) })),
  );
}
