/** Flows of a capture as tshark(1) sees them: packets, octets, first and last time by tuple. */
import { protocolName } from '../../src/core/tuple.ts';
import { tsharkRows } from './tshark-fields.ts';

export interface FlowTotal {
  packets: number;
  bytes: number; // frame.len
  firstUs: number;
  lastUs: number;
}
export type FlowTotals = Readonly<Record<string, FlowTotal>>;

const FIELDS = [
  ...['frame.protocols', 'frame.len', 'frame.time_epoch', 'frame.interface_id', 'sll.ifindex'],
  ...['ip.src', 'ip.dst', 'ip.proto', 'ip.id', 'ip.frag_offset', 'ip.flags.mf'],
  ...['ipv6.src', 'ipv6.dst', 'ipv6.nxt', 'ipv6.dstopts.nxt'],
  ...['ipv6.fraghdr.nxt', 'ipv6.fraghdr.ident', 'ipv6.fraghdr.offset', 'ipv6.fraghdr.more'],
  ...['tcp.srcport', 'tcp.dstport', 'udp.srcport', 'udp.dstport', 'sctp.srcport', 'sctp.dstport'],
  ...['icmp.type', 'icmp.ident', 'icmpv6.type', 'icmpv6.echo.identifier'],
] as const;
type Field = (typeof FIELDS)[number];
type Packet = Readonly<Record<Field, readonly string[]>>; // each header that has the field

/** Protocols that tshark shows by name, whatever extension headers stand before them. */
const TRANSPORTS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132, udplite: 136, icmp: 1, icmpv6: 58 };
const ECHO: Readonly<Record<string, readonly [request: string, reply: string]>> = {
  icmp: ['8', '0'],
  icmpv6: ['128', '129'],
};

type Ports = readonly [protocol: number, src: string, dst: string];

/** Both ends in order of their text, because either may have begun. */
const nameOf = (protocol: string, ...ends: readonly string[]): string => `${protocol} ${[...ends].sort().join(' ')}`;

/**
 * A packet that several interfaces saw is one packet: the interface that saw most of a direction counts.
 *
 * @param which IP header of a packet its flow is about
 * @param options further ones of tshark, as `-d` for a port that it does not know
 */
export async function tsharkFlows(
  file: string,
  which: 'outermost' | 'innermost' = 'outermost',
  options: readonly string[] = [],
): Promise<FlowTotals> {
  const packets = await readPackets(file, options);
  const firsts = new Map<string, Ports>(); // of fragmented datagrams, by fragmentOf()
  const seen = packets.flatMap((packet) => {
    const at = headerOf(packet, which);
    if (at === undefined) return [];
    const fragment = fragmentOf(packet, at);
    if (fragment?.isFirst === true) firsts.set(fragment.key, portsOf(packet, at));
    return [{ packet, at, fragment }];
  });
  const sightings = new Map<string, { name: string; direction: string; total: FlowTotal }>();
  for (const { packet, at, fragment } of seen) {
    const later = fragment?.isFirst === false ? firsts.get(fragment.key) : undefined;
    const [protocol, srcPort, dstPort] = later ?? portsOf(packet, at);
    const ends = [`${at.src}:${srcPort}`, `${at.dst}:${dstPort}`] as const;
    const direction = `${protocolName(protocol)} ${ends.join(' ')}`;
    const key = `${direction} ${packet['frame.interface_id'][0]} ${packet['sll.ifindex'][0]}`;
    const name = nameOf(protocolName(protocol), ...ends);
    const known = sightings.get(key) ?? { name, direction, total: nothing() };
    sightings.set(key, known);
    addTo(known.total, {
      packets: 1,
      bytes: Number(packet['frame.len'][0]),
      ...timesOf(packet['frame.time_epoch'][0] ?? ''),
    });
  }
  return sum(largestOf(sightings.values()));
}

async function readPackets(file: string, options: readonly string[]): Promise<readonly Packet[]> {
  const whole = ['-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE', ...options];
  const rows = await tsharkRows(file, [...whole, '-E', 'occurrence=a'], FIELDS);
  const packetOf = (cells: readonly string[]) => FIELDS.map((field, i) => [field, (cells[i] ?? '').split(',')]);
  return rows.map((cells) => Object.fromEntries(packetOf(cells)) as unknown as Packet);
}

/** An IP header of a packet. */
interface Header {
  readonly kind: 'ip' | 'ipv6';
  readonly nth: number; // of the headers of this kind; -1: the last
  readonly inside: readonly string[]; // tshark's path through what it carries
  readonly src: string;
  readonly dst: string;
}

function headerOf(packet: Packet, which: 'outermost' | 'innermost'): Header | undefined {
  const path = packet['frame.protocols'][0]!.split(':');
  const isIp = (name: string): boolean => name === 'ip' || name === 'ipv6';
  const at = which === 'outermost' ? path.findIndex(isIp) : Math.max(path.lastIndexOf('ip'), path.lastIndexOf('ipv6'));
  if (at < 0) return undefined;
  const kind = path[at] as 'ip' | 'ipv6';
  const nth = which === 'outermost' ? 0 : -1;
  const [src, dst] = [packet[`${kind}.src`].at(nth), packet[`${kind}.dst`].at(nth)];
  return src && dst ? { kind, nth, inside: path.slice(at + 1), src, dst } : undefined; // '' in a header that is malformed
}

function fragmentOf(packet: Packet, { kind, nth, src, dst }: Header): { key: string; isFirst: boolean } | undefined {
  const is4 = kind === 'ip';
  const offset = packet[is4 ? 'ip.frag_offset' : 'ipv6.fraghdr.offset'].at(nth)!;
  const more = packet[is4 ? 'ip.flags.mf' : 'ipv6.fraghdr.more'].at(nth)!;
  if (offset === '' || (offset === '0' && !['1', 'True'].includes(more))) return undefined;
  return { key: `${src} ${dst} ${packet[is4 ? 'ip.id' : 'ipv6.fraghdr.ident'].at(nth)}`, isFirst: offset === '0' };
}

function portsOf(packet: Packet, { kind, nth, inside }: Header): Ports {
  const name = inside.find((one) => one in TRANSPORTS || one === 'ip' || one === 'ipv6') ?? '';
  const protocol = TRANSPORTS[name];
  if (protocol === undefined) {
    const fields: readonly Field[] =
      kind === 'ip' ? ['ip.proto'] : ['ipv6.fraghdr.nxt', 'ipv6.dstopts.nxt', 'ipv6.nxt'];
    const number = fields.map((field) => packet[field].at(nth)!);
    return [Number(number.find((text) => text !== '')), '0', '0'];
  }
  if (name === 'icmp' || name === 'icmpv6') {
    const [request, reply] = ECHO[name]!;
    const [typeField, idField] =
      name === 'icmp' ? (['icmp.type', 'icmp.ident'] as const) : (['icmpv6.type', 'icmpv6.echo.identifier'] as const);
    const [type, id] = [packet[typeField].at(nth)!, String(Number(packet[idField].at(nth)!))]; // hexadecimal at times
    return [protocol, type === request ? id : '0', type === reply ? id : '0'];
  }
  const ports = name === 'udplite' ? 'udp' : (name as 'tcp' | 'udp' | 'sctp');
  return [protocol, packet[`${ports}.srcport`].at(nth)!, packet[`${ports}.dstport`].at(nth)!];
}

function largestOf(
  sightings: Iterable<{ readonly name: string; readonly direction: string; readonly total: FlowTotal }>,
): Iterable<{ name: string; total: FlowTotal }> {
  const largest = new Map<string, { name: string; total: FlowTotal }>();
  for (const { name, direction, total } of sightings) {
    const other = largest.get(direction)?.total;
    const kept = other !== undefined && other.packets >= total.packets ? other : total;
    const firstUs = Math.min(other?.firstUs ?? Infinity, total.firstUs);
    const lastUs = Math.max(other?.lastUs ?? 0, total.lastUs);
    largest.set(direction, { name, total: { ...kept, firstUs, lastUs } });
  }
  return largest.values();
}

/** The same of what `read --format ndjson` printed. */
export function printedFlows(ndjson: string): FlowTotals {
  const flows = ndjson
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  return sum(
    flows.map((flow) => ({
      name: nameOf(flow.protocol, `${flow.src_addr}:${flow.src_port ?? 0}`, `${flow.dst_addr}:${flow.dst_port ?? 0}`),
      total: {
        packets: flow.orig_packets + flow.reply_packets,
        bytes: flow.orig_bytes + flow.reply_bytes,
        firstUs: flow.first_us,
        lastUs: flow.last_us,
      },
    })),
  );
}

const nothing = (): FlowTotal => ({ packets: 0, bytes: 0, firstUs: Infinity, lastUs: 0 });

/** Simple packets have no time. */
function timesOf(epoch: string): { firstUs: number; lastUs: number } {
  const [seconds, fraction = ''] = epoch.split('.');
  if (!seconds) return { firstUs: Infinity, lastUs: 0 };
  const us = Number(seconds) * 1e6 + Number(fraction.slice(0, 6).padEnd(6, '0'));
  return { firstUs: us, lastUs: us };
}

function addTo(total: FlowTotal, more: FlowTotal): void {
  total.packets += more.packets;
  total.bytes += more.bytes;
  total.firstUs = Math.min(total.firstUs, more.firstUs);
  total.lastUs = Math.max(total.lastUs, more.lastUs);
}

function sum(parts: Iterable<{ readonly name: string; readonly total: FlowTotal }>): FlowTotals {
  const totals: Record<string, FlowTotal> = {};
  for (const { name, total } of parts) {
    totals[name] ??= nothing();
    addTo(totals[name], total);
  }
  return totals;
}
