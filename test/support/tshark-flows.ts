/** TCP and UDP flows of a capture as tshark(1) sees them: packets, octets, first and last time by tuple. */
import { spawnSync } from 'node:child_process';

export interface FlowTotal {
  packets: number;
  bytes: number; // frame.len
  firstUs: number;
  lastUs: number;
}
export type FlowTotals = Readonly<Record<string, FlowTotal>>;

const FIELDS = [
  ...['frame.len', 'frame.time_epoch', 'frame.interface_id', 'sll.ifindex'],
  ...['ip.src', 'ip.dst', 'ipv6.src', 'ipv6.dst', 'tcp.srcport', 'tcp.dstport', 'udp.srcport', 'udp.dstport'],
  'frame.protocols',
] as const;

/** Both ends in order of their text, because either may have begun. */
const nameOf = (protocol: string, ...ends: readonly string[]): string => `${protocol} ${[...ends].sort().join(' ')}`;

/** A packet that several interfaces saw is one packet: the interface that saw most of a direction counts. */
export function tsharkFlows(file: string): FlowTotals {
  const args = ['-n', '-r', file, '-T', 'fields', '-E', 'occurrence=f', ...FIELDS.flatMap((field) => ['-e', field])];
  const { stdout } = spawnSync('tshark', args, { encoding: 'utf8', maxBuffer: 64 << 20 }); // a cut file ends with 2
  const sightings = new Map<string, { name: string; direction: string; total: FlowTotal }>();
  for (const line of stdout.split('\n').slice(0, -1)) {
    const [length, epoch, id, ifindex, src4, dst4, src6, dst6, tcpSrc, tcpDst, udpSrc, udpDst, path] = line.split('\t');
    const [srcPort, dstPort] = [tcpSrc || udpSrc, tcpDst || udpDst];
    // UDP-Lite's ports have the names of UDP's; an error of ICMP quotes those of another packet.
    if (!srcPort || /udplite|icmp/.test(path!)) continue;
    const [src, dst] = [`${src4 || src6}:${srcPort}`, `${dst4 || dst6}:${dstPort}`];
    const protocol = tcpSrc ? 'tcp' : 'udp';
    const direction = `${protocol} ${src} ${dst}`;
    const key = `${direction} ${id} ${ifindex}`;
    const known = sightings.get(key) ?? { name: nameOf(protocol, src, dst), direction, total: nothing() };
    sightings.set(key, known);
    addTo(known.total, { packets: 1, bytes: Number(length), ...timesOf(epoch ?? '') });
  }
  const largest = new Map<string, { name: string; total: FlowTotal }>();
  for (const { name, direction, total } of sightings.values()) {
    const other = largest.get(direction)?.total;
    const kept = other !== undefined && other.packets >= total.packets ? other : total;
    const [firstUs, lastUs] = [
      Math.min(other?.firstUs ?? Infinity, total.firstUs),
      Math.max(other?.lastUs ?? 0, total.lastUs),
    ];
    largest.set(direction, { name, total: { ...kept, firstUs, lastUs } });
  }
  return sum(largest.values());
}

/** The same of what `read --format ndjson` printed. */
export function printedFlows(ndjson: string): FlowTotals {
  const flows = ndjson
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
    .filter(({ protocol }) => protocol === 'tcp' || protocol === 'udp');
  return sum(
    flows.map((flow) => ({
      name: nameOf(flow.protocol, `${flow.src_addr}:${flow.src_port}`, `${flow.dst_addr}:${flow.dst_port}`),
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
