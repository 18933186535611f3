/** Facts and flows from a few literals, for tests of the attribution. */
import { parseAddress } from '../../src/core/address.ts';
import { createColumns, pushRow } from '../../src/core/columns.ts';
import { FLOW_COLUMNS, type FlowColumns, FlowEnd, FlowFlag } from '../../src/core/flow.ts';
import { HOLDER_COLUMNS, type HolderColumns, type Process } from '../../src/core/process.ts';
import {
  CLOSED_COLUMNS,
  type ClosedColumns,
  OWNER_COLUMNS,
  type OwnerColumns,
  OwnerEvidence,
  SOCKET_COLUMNS,
  type SocketColumns,
  SocketState,
  SourceCode,
} from '../../src/core/socket.ts';
import { K_FIRST, K_META, K_PORTS, K_SECOND, KEY_WORDS, Protocol, packMeta, packPorts } from '../../src/core/tuple.ts';

/** Of all processes: before anything that tests tell, whose times begin at 0. */
export const START_TICKS = 1;

export type Endpoint = readonly [address: string, port: number];

/** Key of `first` -> `second`; the version is that of the first address. */
export function makeKey(protocol: number, first: Endpoint, second: Endpoint): Int32Array {
  const key = new Int32Array(KEY_WORDS);
  key[K_META] = packMeta(protocol, first[0].includes(':') ? 6 : 4, 0);
  key[K_PORTS] = packPorts(first[1], second[1]);
  key.set(parseAddress(first[0])!, K_FIRST);
  key.set(parseAddress(second[0])!, K_SECOND);
  return key;
}

export interface SocketLiteral {
  readonly protocol?: number;
  readonly local: Endpoint;
  readonly remote?: Endpoint;
  readonly inode: number;
  readonly cookie?: number;
  readonly state?: number;
  readonly uid?: number;
  readonly seenUs: number;
  readonly boundIfindex?: number;
  readonly netns?: number;
  readonly source?: number; // SourceCode
}

export function makeSockets(...literals: readonly SocketLiteral[]): SocketColumns {
  const sockets = createColumns(SOCKET_COLUMNS);
  for (const literal of literals) {
    const row = pushRow(sockets);
    const unbound: Endpoint = [literal.local[0].includes(':') ? '::' : '0.0.0.0', 0];
    const key = makeKey(literal.protocol ?? Protocol.Tcp, literal.local, literal.remote ?? unbound);
    sockets.key.set(key, row * KEY_WORDS);
    sockets.inode[row] = literal.inode;
    sockets.cookie[row] = literal.cookie ?? 0;
    sockets.state[row] = literal.state ?? SocketState.Established;
    sockets.uid[row] = literal.uid ?? 1000;
    sockets.seenUs[row] = literal.seenUs;
    sockets.boundIfindex[row] = literal.boundIfindex ?? 0;
    sockets.netns[row] = literal.netns ?? 0;
    sockets.source[row] = literal.source ?? SourceCode.Diag;
  }
  return sockets;
}

export function makeHolders(
  ...rows: readonly (readonly [inode: number, pid: number, seenUs: number])[]
): HolderColumns {
  const holders = createColumns(HOLDER_COLUMNS);
  for (const [inode, pid, seenUs] of rows) {
    const row = pushRow(holders);
    holders.inode[row] = inode;
    holders.pid[row] = pid;
    holders.startTicks[row] = START_TICKS;
    holders.fd[row] = 3;
    holders.seenUs[row] = seenUs;
  }
  return holders;
}

export interface OwnerLiteral {
  readonly cookie: number;
  readonly pid: number;
  readonly startTicks?: number;
  readonly evidence: keyof typeof OwnerEvidence;
  readonly previous?: keyof typeof OwnerEvidence;
  readonly flags?: number;
  readonly source?: number; // SourceCode
  readonly fromUs: number;
}

export function makeOwners(...literals: readonly OwnerLiteral[]): OwnerColumns {
  const owners = createColumns(OWNER_COLUMNS);
  for (const literal of literals) {
    const row = pushRow(owners);
    owners.cookie[row] = literal.cookie;
    owners.pid[row] = literal.pid;
    owners.startTicks[row] = literal.startTicks ?? START_TICKS;
    owners.evidence[row] = OwnerEvidence[literal.evidence];
    owners.previous[row] = OwnerEvidence[literal.previous ?? 'None'];
    owners.flags[row] = literal.flags ?? 0;
    owners.source[row] = literal.source ?? SourceCode.Bpf;
    owners.fromUs[row] = literal.fromUs;
  }
  return owners;
}

/** @param rows with a key where nothing else is known of the socket */
export function makeClosed(
  ...rows: readonly (readonly [cookie: number, atUs: number, key?: Int32Array])[]
): ClosedColumns {
  const closed = createColumns(CLOSED_COLUMNS);
  for (const [cookie, atUs, key] of rows) {
    const row = pushRow(closed);
    closed.cookie[row] = cookie;
    closed.atUs[row] = atUs;
    if (key !== undefined) closed.key.set(key, row * KEY_WORDS);
  }
  return closed;
}

/** What the kernel says of a connection whose end others told of. */
export function makeTotals(cookie: number, [sent, acked, received]: readonly [number, number, number]): ClosedColumns {
  const closed = makeClosed([cookie, 0]);
  closed.hasTotals[0] = 1;
  closed.sentBytes[0] = sent;
  closed.ackedBytes[0] = acked;
  closed.receivedBytes[0] = received;
  return closed;
}

export function makeProcess(pid: number, more: Partial<Process> = {}): Process {
  return {
    pid,
    startTicks: START_TICKS,
    parentPid: 1,
    comm: `p${pid}`,
    exe: `/usr/bin/p${pid}`,
    argv: [`p${pid}`],
    uid: 1000,
    cgroup: null,
    unit: null,
    container: null,
    netns: 4026531840,
    forked: false,
    ...more,
  };
}

export interface FlowLiteral {
  readonly serial: number;
  readonly protocol?: number;
  readonly src: Endpoint;
  readonly dst: Endpoint;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly state?: 'new' | 'ended' | 'new-and-ended' | 'living';
  readonly nat?: readonly [src: Endpoint, dst: Endpoint];
  readonly netns?: number;
  readonly srcCookie?: number;
  readonly dstCookie?: number;
  readonly ifindex?: number;
  readonly isRefused?: boolean;
  readonly cutUs?: number; // another process took its source over: the flow ended with that
}

export function makeFlows(...literals: readonly FlowLiteral[]): FlowColumns {
  const flows = createColumns(FLOW_COLUMNS);
  for (const literal of literals) {
    const row = pushRow(flows);
    const state = literal.state ?? 'new';
    flows.serial[row] = literal.serial;
    flows.key.set(makeKey(literal.protocol ?? Protocol.Tcp, literal.src, literal.dst), row * KEY_WORDS);
    flows.firstUs[row] = flows.firstBootUs[row] = literal.firstUs;
    flows.lastUs[row] = flows.lastBootUs[row] = literal.lastUs;
    flows.flags[row] = (state.startsWith('new') ? FlowFlag.New : 0) | (state.endsWith('ended') ? FlowFlag.Ended : 0);
    if (literal.isRefused === true) flows.flags[row]! |= FlowFlag.Refused;
    if (literal.nat !== undefined)
      flows.natKey.set(makeKey(literal.protocol ?? Protocol.Tcp, ...literal.nat), row * KEY_WORDS);
    flows.netns[row] = literal.netns ?? 0;
    flows.srcCookie[row] = literal.srcCookie ?? 0;
    flows.dstCookie[row] = literal.dstCookie ?? 0;
    flows.ifindex[row] = literal.ifindex ?? 0;
    flows.endReason[row] = state.endsWith('ended') ? FlowEnd.EndOfFlow : FlowEnd.None;
    flows.origPackets[row] = 1;
    if (literal.cutUs === undefined) continue;
    flows.cutUs[row] = literal.cutUs;
    flows.endReason[row] = FlowEnd.Forced;
  }
  return flows;
}
