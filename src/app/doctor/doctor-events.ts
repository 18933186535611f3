/** Checks of what the kernel tells by itself over netlink: births of processes, ends of sockets, translations of addresses (NAT). */
import { getSystemErrorName } from 'node:util';
import { createColumns } from '../../core/columns.ts';
import { UserError } from '../../core/errors.ts';
import type { Check } from '../../core/health.ts';
import { TRANSLATION_COLUMNS } from '../../core/translation.ts';
import { CONNTRACK_GROUPS, dumpConntrack, NETLINK_NETFILTER } from '../../linux/conntrack.ts';
import type { NetlinkTransport } from '../../linux/netlink-client.ts';
import { CN_IDX_PROC, NETLINK_CONNECTOR, ProcConnector } from '../../linux/proc-connector.ts';
import { SOCKET_END_GROUPS, TCP_END_GROUPS } from '../../linux/socket-ends.ts';
import type { Native } from '../../native/binding.ts';
import { NETLINK_SOCK_DIAG, transportOf } from '../record/netlink-transport.ts';
import type { SourceName } from '../record/observe/open-sources.ts';
import type { ProgramsOutcome } from './doctor-bpf.ts';
import { limited, notWanted, passed } from './doctor-check.ts';

const EPERM = -1;
const ROOT = 'Run as root, or with CAP_NET_ADMIN.';

/** @param programs the better layer, if it works */
export function checkProcConnector(native: Native, programs: ProgramsOutcome, wanted: readonly SourceName[]): Check {
  const name = 'proc-connector';
  const hasBpf = programs !== null && !(programs instanceof UserError) && programs.layer === 'bpf';
  if (!hasBpf && !wanted.includes('diag')) return notWanted(name);
  const result = ask(native, NETLINK_CONNECTOR, 1 << (CN_IDX_PROC - 1), (transport) => {
    const connector = new ProcConnector(transport);
    const answer = connector.subscribe();
    connector.close();
    return answer;
  });
  if (hasBpf) return passed(name, `standby: bpf tells more${result < 0 ? `; refused: ${errorName(result)}` : ''}`);
  if (result === 0) return passed(name, 'active: new processes are looked at when they are born');
  const remedy = result === EPERM ? ROOT : 'Run it in the network and pid namespace of the host, as root.';
  const loss = 'the sockets of processes that live shorter than a scan of /proc';
  return limited(name, `refused: ${errorName(result)}`, loss, remedy);
}

/** @param programs tell of sockets and their ends by themselves, of all namespaces */
export function checkSocketEnds(native: Native, programs: ProgramsOutcome, wanted: readonly SourceName[]): Check {
  const name = 'socket-ends';
  if (!wanted.includes('diag')) return notWanted(name, CARRIED);
  const told = programs !== null && !(programs instanceof UserError);
  const result = ask(native, NETLINK_SOCK_DIAG, told ? TCP_END_GROUPS : SOCKET_END_GROUPS, (transport) => {
    transport.close();
    return 0;
  });
  const what = told
    ? 'the kernel tells what connections carried'
    : 'the kernel tells when sockets end, and what they carried';
  if (result === 0) return passed(name, `active: ${what}`);
  const loss = told ? CARRIED : `${CARRIED}; a port that two processes use in turn may be named after the first`;
  return limited(
    name,
    `refused: ${errorName(result)}`,
    loss,
    'Load the modules: modprobe -a tcp_diag udp_diag inet_diag',
  );
}

const CARRIED = 'octets that a connection sent and received, by the count of the kernel';

export function checkConntrack(native: Native): Check {
  const name = 'conntrack';
  const result = ask(native, NETLINK_NETFILTER, CONNTRACK_GROUPS, (transport) => {
    const answer = dumpConntrack(transport, createColumns(TRANSLATION_COLUMNS));
    transport.close();
    return answer;
  });
  if (result === 0) return passed(name, 'active: tells which tuples are translated (NAT)');
  const refused = `refused: ${errorName(result)}`;
  if (result !== EPERM) return passed(name, `${refused}; a kernel that tracks no connections translates none`);
  return limited(name, refused, 'what NAT rewrites is two flows, and the translated one has no process', ROOT);
}

/** @returns 0 or -errno of opening the socket, or of what `question` does with it and closes */
function ask(
  native: Native,
  family: number,
  groups: number,
  question: (transport: NetlinkTransport) => number,
): number {
  const fd = native.netlinkOpen(family, groups, 0, '');
  return fd < 0 ? fd : question(transportOf(native, fd));
}

const errorName = (errno: number): string => getSystemErrorName(errno);
