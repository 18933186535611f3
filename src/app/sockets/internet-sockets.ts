/**
 * All internet sockets of a namespace, protocol by protocol: sock_diag where the kernel has it for that protocol (raw,
 * udplite and sctp are modules of their own), else the file of /proc/net.
 */
import { createColumns } from '../../core/columns.ts';
import { SOCKET_COLUMNS, type SocketColumns } from '../../core/socket.ts';
import { Protocol, protocolName } from '../../core/tuple.ts';
import type { ProcFs } from '../../linux/proc-fs.ts';
import { PROC_NET_FILES, type ProcNetFile, readProcNet } from '../../linux/proc-net.ts';
import { ALL_STATES, type SockDiag } from '../../linux/sock-diag.ts';
import { AF_INET, AF_INET6 } from '../../linux/socket-key.ts';

/** Sockets of one protocol and family. */
export interface InternetSockets {
  readonly family: 'inet' | 'inet6';
  readonly type: 'stream' | 'dgram' | 'raw' | null; // null: sctp has both styles
  readonly protocol: string;
  readonly sockets: SocketColumns;
}

const familyOf = (family: number): 'inet' | 'inet6' => (family === AF_INET ? 'inet' : 'inet6');

/**
 * @param diag undefined: there is none
 * @param folder of /proc/net in the namespace; asked for only where sock_diag has no answer
 * @returns undefined when no source has any answer
 */
export function readInternetSockets(
  diag: SockDiag | undefined,
  proc: ProcFs,
  folder: () => string | undefined,
): readonly InternetSockets[] | undefined {
  const lists: InternetSockets[] = [];
  let answers = 0;
  for (const file of PROC_NET_FILES) {
    const list = emptyList(file);
    if (dumped(diag, file, list.sockets) || read(proc, folder(), file, list.sockets)) answers++;
    if (list.sockets.count > 0) lists.push(list);
  }
  for (const family of [AF_INET, AF_INET6]) {
    const sockets = createColumns(SOCKET_COLUMNS);
    const answer = diag?.dump(Protocol.Sctp, family, ALL_STATES, sockets);
    if (answer === 0 && sockets.count > 0) {
      lists.push({ family: familyOf(family), type: null, protocol: protocolName(Protocol.Sctp), sockets });
    }
  }
  return answers === 0 ? undefined : lists;
}

function emptyList({ family, protocol, ports }: ProcNetFile): InternetSockets {
  return {
    family: familyOf(family),
    type: ports === 'protocol' ? 'raw' : protocol === Protocol.Tcp ? 'stream' : 'dgram',
    protocol: ports === 'protocol' ? 'raw' : protocolName(protocol),
    sockets: createColumns(SOCKET_COLUMNS),
  };
}

/** Ping sockets are in no sock_diag. */
function dumped(diag: SockDiag | undefined, file: ProcNetFile, into: SocketColumns): boolean {
  if (diag === undefined || file.ports === 'icmp-id') return false;
  return diag.dump(file.protocol, file.family, ALL_STATES, into) === 0;
}

function read(proc: ProcFs, folder: string | undefined, file: ProcNetFile, into: SocketColumns): boolean {
  if (folder === undefined) return false;
  return readProcNet(proc, folder, file, { netns: 0, seenUs: 0, onBadLine: () => undefined }, into);
}
