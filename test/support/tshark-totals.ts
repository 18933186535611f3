/** Packets and octets per five-tuple as tshark(1) counts them: the independent second opinion. */
import { execFileSync } from 'node:child_process';

export interface TupleCount {
  packets: number;
  bytes: number; // frame.len
  ipBytes: number; // IP header and payload
}

export interface TsharkTotals {
  /** By `tcp 192.0.2.1 40000 198.51.100.9 443`, each direction apart; ICMP echo: the id and 0, as in a flow. */
  readonly tuples: ReadonlyMap<string, TupleCount>;
  readonly packets: number; // all of the file, and
  readonly bytes: number;
  readonly notIp: number;
}

const FIELDS = [
  ...['frame.len', 'ip.src', 'ip.dst', 'ip.len', 'ip.id', 'ipv6.src', 'ipv6.dst', 'ipv6.plen'],
  ...['tcp.srcport', 'tcp.dstport', 'udp.srcport', 'udp.dstport', 'icmp.type', 'icmp.ident', 'icmpv6.type'],
  ...['icmpv6.echo.identifier', 'ip.frag_offset'],
] as const;
type Field = (typeof FIELDS)[number];
type Packet = Readonly<Record<Field, string>>;

const IPV6_HEADER = 40;

/** Reads a capture file. Fragments are left apart, as they are on the wire. */
export function tsharkTotals(file: string): TsharkTotals {
  const wanted = FIELDS.flatMap((field) => ['-e', field]);
  const text = execFileSync(
    'tshark',
    ['-n', '-r', file, '-o', 'ip.defragment:FALSE', '-T', 'fields', '-E', 'occurrence=f', ...wanted],
    { encoding: 'utf8', maxBuffer: 256 << 20, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const tuples = new Map<string, TupleCount>();
  const fragments = new Map<string, string>(); // source and id of a fragmented packet -> its tuple
  const totals = { packets: 0, bytes: 0, notIp: 0 };
  for (const line of text.split('\n').slice(0, -1)) {
    const cells = line.split('\t');
    const packet = Object.fromEntries(FIELDS.map((field, i) => [field, cells[i] ?? ''])) as Packet;
    const length = Number(packet['frame.len']);
    totals.packets++;
    totals.bytes += length;
    const key = tupleOf(packet, fragments);
    if (key === undefined) {
      totals.notIp++;
      continue;
    }
    const count = tuples.get(key) ?? { packets: 0, bytes: 0, ipBytes: 0 };
    count.packets++;
    count.bytes += length;
    count.ipBytes += packet['ip.len'] === '' ? Number(packet['ipv6.plen']) + IPV6_HEADER : Number(packet['ip.len']);
    tuples.set(key, count);
  }
  return { tuples, ...totals };
}

function tupleOf(packet: Packet, fragments: Map<string, string>): string | undefined {
  const src = packet['ip.src'] || packet['ipv6.src'];
  const dst = packet['ip.dst'] || packet['ipv6.dst'];
  if (src === '') return undefined;
  const later = Number(packet['ip.frag_offset']) > 0;
  const fragment = `${src} ${packet['ip.id']}`;
  if (later) return fragments.get(fragment);
  const key = firstOf(packet, src, dst);
  fragments.set(fragment, key);
  return key;
}

function firstOf(packet: Packet, src: string, dst: string): string {
  const isIcmp = packet['icmp.type'] !== '';
  if (isIcmp || packet['icmpv6.type'] !== '') {
    // Echo only: an error holds the header of another packet, and has no id of its own.
    const [type, request, reply] = isIcmp ? [packet['icmp.type'], '8', '0'] : [packet['icmpv6.type'], '128', '129'];
    const id = Number(packet['icmp.ident'] || packet['icmpv6.echo.identifier']);
    return `${isIcmp ? 'icmp' : 'icmp6'} ${src} ${type === request ? id : 0} ${dst} ${type === reply ? id : 0}`;
  }
  for (const protocol of ['tcp', 'udp'] as const) {
    const port = packet[`${protocol}.srcport`];
    if (port !== '') return `${protocol} ${src} ${port} ${dst} ${packet[`${protocol}.dstport`]}`;
  }
  throw new Error(`neither TCP, UDP nor ICMP from ${src} to ${dst}`);
}
