/** Filters of flows in memory; they agree with the SQL of store/conditions.ts. */
import { addressBytes, parseAddress } from '../../core/address.ts';
import type { FlowRecord, Value } from '../../core/record.ts';
import { protocolNumber } from '../../core/tuple.ts';
import type { AddressRange, FlowFilter, NameFilter } from '../../store/conditions.ts';

type Side = 'src' | 'dst';
type OfRecord = (record: FlowRecord) => boolean;
type OfEnd = (record: FlowRecord, side: Side) => boolean;

/** Flows that pass a filter, and what they hold together. */
export interface ChosenFlows {
  readonly serials: readonly number[];
  readonly packets: number;
  readonly bytes: number;
  readonly ipBytes: number;
}

export function chooseFlows(records: Iterable<FlowRecord>, isChosen: OfRecord): ChosenFlows {
  const serials: number[] = [];
  const sums = { packets: 0, bytes: 0, ipBytes: 0 };
  for (const record of records) {
    if (!isChosen(record)) continue;
    serials.push(Number(record.flow_id));
    sums.packets += Number(record.orig_packets) + Number(record.reply_packets);
    sums.bytes += Number(record.orig_bytes) + Number(record.reply_bytes);
    sums.ipBytes += Number(record.orig_ip_bytes) + Number(record.reply_ip_bytes);
  }
  return { serials, ...sums };
}

export function flowPredicate(filter: FlowFilter): OfRecord {
  const { port, protocol, sinceUs, untilUs } = filter;
  const flow: OfRecord[] = [];
  if (untilUs !== undefined) flow.push(({ first_us }) => Number(first_us) < untilUs);
  if (sinceUs !== undefined) flow.push(({ last_us }) => Number(last_us) >= sinceUs);
  if (port !== undefined) flow.push((record) => hasPort(record, port));
  if (protocol !== undefined) flow.push((record) => protocolNumber(String(record.protocol)) === protocol);
  const end = endConditions(filter);
  if (end.length > 0) flow.push((record) => hasEnd(record, end));
  return (record) => flow.every((holds) => holds(record));
}

/** Whether one end, if it is of this host, satisfies all conditions together. */
function hasEnd(record: FlowRecord, conditions: readonly OfEnd[]): boolean {
  return (['src', 'dst'] as const).some(
    (side) => record[`${side}_reason`] !== 'not-local' && conditions.every((holds) => holds(record, side)),
  );
}

/** The "port" of ICMP is an echo id. */
const hasPort = ({ protocol, src_port, dst_port }: FlowRecord, port: number): boolean =>
  protocol !== 'icmp' && protocol !== 'icmp6' && (src_port === port || dst_port === port);

function endConditions({ process, pid, user, unit, container, remote, name }: FlowFilter): OfEnd[] {
  const conditions: OfEnd[] = [];
  if (process !== undefined)
    conditions.push((r, side) => r[`${side}_comm`] === process || isExe(r[`${side}_exe`], process));
  if (pid !== undefined) conditions.push((r, side) => r[`${side}_pid`] === pid);
  if (user !== undefined) {
    const uid = /^\d+$/.test(user) ? Number(user) : undefined;
    conditions.push((r, side) => r[`${side}_user`] === user || r[`${side}_uid`] === uid);
  }
  if (unit !== undefined)
    conditions.push((r, side) => r[`${side}_unit`] === unit || r[`${side}_unit`] === `${unit}.service`);
  if (container !== undefined)
    conditions.push((r, side) => r[`${side}_container`]?.toString().startsWith(container) === true);
  if (remote !== undefined) conditions.push((r, side) => isWithin(r[`${other(side)}_addr`], remote));
  if (name !== undefined) conditions.push((r, side) => isCalled(r[`${other(side)}_name`], name));
  return conditions;
}

const other = (side: Side): Side => (side === 'src' ? 'dst' : 'src');

/** @param name a path, or the last part of one */
const isExe = (exe: Value, name: string): boolean =>
  typeof exe === 'string' && (exe === name || exe.endsWith(`/${name}`));

const isCalled = (text: Value, { name, itself, below }: NameFilter): boolean =>
  typeof text === 'string' && ((itself && text === name) || (below && text.endsWith(`.${name}`)));

function isWithin(address: Value, { first, last }: AddressRange): boolean {
  const words = typeof address === 'string' ? parseAddress(address) : undefined;
  const bytes = words === undefined ? undefined : addressBytes(words);
  if (bytes === undefined || bytes.length !== first.length) return false;
  return compare(first, bytes) <= 0 && compare(bytes, last) <= 0;
}

/** Negative, 0 or positive, as octets stand in a network's order. */
function compare(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((octet, i) => octet !== b[i]);
  return at === -1 ? 0 : a[at]! - b[at]!;
}
