import { getSystemErrorName } from 'node:util';
import { UserError } from '../../core/errors.ts';
import type { NetlinkTransport } from '../../linux/netlink-client.ts';
import type { Native } from '../../native/binding.ts';

/** Netlink families, linux/netlink.h. */
export const NETLINK_ROUTE = 0;
export const NETLINK_SOCK_DIAG = 4;

const RECEIVE_BUFFER = 4 << 20; // octets; a dump comes in pieces that wait here

/** A transport whose descriptor can be waited for. */
export interface NetlinkSocket extends NetlinkTransport {
  readonly fd: number;
}

/**
 * A netlink socket of this or another network namespace, through the addon.
 *
 * @param groups bit n - 1 joins multicast group n
 */
export function openNetlink(native: Native, family: number, netnsPath = '', groups = 0): NetlinkSocket {
  const fd = native.netlinkOpen(family, groups, RECEIVE_BUFFER, netnsPath);
  if (fd < 0) {
    const where = netnsPath === '' ? '' : ` in ${netnsPath}`;
    throw new UserError(
      'no-netlink',
      `netlink family ${family} cannot be opened${where} ${getSystemErrorName(fd)}`,
      'Sockets are read from /proc/net instead.',
    );
  }
  return transportOf(native, fd);
}

/** The same; undefined when the kernel refuses, or the namespace has gone. */
export function tryNetlink(native: Native, family: number, netnsPath = '', groups = 0): NetlinkSocket | undefined {
  try {
    return openNetlink(native, family, netnsPath, groups);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Over a descriptor that the addon has opened. */
export function transportOf(native: Native, fd: number): NetlinkSocket {
  return {
    fd,
    send: (bytes, length) => native.netlinkSend(fd, bytes, length),
    receive: (into, timeoutMs) => native.netlinkReceive(fd, into, timeoutMs),
    request: (request, length, reply, timeoutMs) => native.netlinkRequest(fd, request, length, reply, timeoutMs),
    close: () => void native.closeFd(fd),
  };
}
