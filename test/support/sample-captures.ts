/** The small capture files of captures/, packet by packet; captures/make-captures.mjs writes them. */
import { LinkType, PacketType } from '../../src/core/packet.ts';
import {
  authentication,
  ethernet,
  extension,
  fragment6,
  icmp,
  ipv4,
  ipv6,
  type Network,
  nullLink,
  other,
  type PcapFields,
  type PcapRecord,
  pcapFile,
  raw,
  sll,
  sll2,
  TcpFlag,
  type Transport,
  tcp,
  udp,
  vlan,
} from './packets.ts';

export interface SampleCapture {
  readonly name: string; // of the file, without .pcap
  readonly bytes: Uint8Array;
}

const START_SEC = 1_767_225_600; // 2026-01-01T00:00:00Z
const STEP_US = 1_500; // between two packets
const [HERE, THERE] = ['192.0.2.10', '198.51.100.20'];
const [HERE6, THERE6] = ['2001:db8::10', '2001:db8:1::20'];
const { Syn, Ack, Fin, Rst } = TcpFlag;

type Way = 'out' | 'in';
const toThere = (way: Way, inner: Transport): Network =>
  way === 'out' ? ipv4({ src: HERE, dst: THERE }, inner) : ipv4({ src: THERE, dst: HERE }, inner);
const toThere6 = (way: Way, inner: Transport): Network =>
  way === 'out' ? ipv6({ src: HERE6, dst: THERE6 }, inner) : ipv6({ src: THERE6, dst: HERE6 }, inner);

interface Segment {
  readonly way: Way;
  readonly inner: Transport;
}

/** A whole TCP connection from `port` here to port 443 there: 200 octets asked, 1,460 and 540 answered. */
function connection(port: number): readonly Segment[] {
  const segment = (way: Way, flags: number, seq: number, payload = 0): Segment => {
    const ports = way === 'out' ? { src: port, dst: 443 } : { src: 443, dst: port };
    return { way, inner: tcp({ ...ports, flags, seq, payload }) };
  };
  return [
    segment('out', Syn, 1000),
    segment('in', Syn | Ack, 5000),
    segment('out', Ack, 1001),
    segment('out', Ack, 1001, 200),
    segment('in', Ack, 5001, 1460),
    segment('in', Ack, 6461, 540),
    segment('out', Ack, 1201),
    segment('out', Fin | Ack, 1201),
    segment('in', Fin | Ack, 7001),
    segment('out', Ack, 1202),
  ];
}

/** A question and its answer. */
function exchange(port: number, service: number): readonly Segment[] {
  return [
    { way: 'out', inner: udp({ src: port, dst: service, payload: 40 }) },
    { way: 'in', inner: udp({ src: service, dst: port, payload: 120 }) },
  ];
}

function capture(name: string, frames: readonly Uint8Array[], fields: PcapFields = {}): SampleCapture {
  const scale = fields.unit === 'nano' ? 1000 : 1;
  const snaplen = fields.snaplen ?? 262_144;
  const records = frames.map(
    (bytes, i): PcapRecord => ({
      bytes: bytes.subarray(0, snaplen),
      origLen: bytes.length,
      sec: START_SEC + Math.floor((i * STEP_US) / 1e6),
      fraction: ((i * STEP_US) % 1e6) * scale,
    }),
  );
  return { name, bytes: pcapFile(records, fields) };
}

const ARP: Network = { etherType: 0x0806, bytes: new Array<number>(28).fill(0) };

function ethernetTcp(): SampleCapture {
  const refused = [tcp({ src: 40_001, dst: 81, flags: Syn, seq: 1 }), tcp({ src: 81, dst: 40_001, flags: Rst | Ack })];
  const frames = [
    ethernet(ARP),
    ...connection(40_000).map(({ way, inner }) => ethernet(toThere(way, inner))),
    ethernet(toThere('out', refused[0]!)),
    ethernet(toThere('in', refused[1]!)),
    ...connection(40_002).map(({ way, inner }) => ethernet(toThere6(way, inner))),
  ];
  return capture('ethernet-tcp', frames, { snaplen: 96 });
}

/** IEEE 802.1Q, 802.1ad and the older 0x9100; the tags are no part of the tuple, so all three are one flow. */
function vlanQinq(): SampleCapture {
  const [question, answer] = exchange(5000, 53).map(({ way, inner }) => toThere(way, inner));
  const frames = [vlan(0x8100, question!), vlan(0x88a8, vlan(0x8100, answer!)), vlan(0x9100, vlan(0x8100, question!))];
  return capture('vlan-qinq', [...frames, vlan(0x8100, ARP)].map(ethernet));
}

function cooked(): SampleCapture {
  const frames = exchange(5001, 53).map(({ way, inner }) =>
    sll(way === 'out' ? PacketType.Outgoing : PacketType.Host, toThere(way, inner)),
  );
  return capture('sll', [...frames, sll(PacketType.Broadcast, ARP)], { linkType: LinkType.LinuxSll });
}

/** Interfaces 2 and 3 see the same packets, as a bridge and its port do; interface 7 has a flow of its own. */
function cooked2(): SampleCapture {
  const frames = exchange(5002, 53).flatMap(({ way, inner }) =>
    [2, 3].map((ifindex) => sll2(ifindex, way === 'out' ? PacketType.Outgoing : PacketType.Host, toThere(way, inner))),
  );
  const linkLocal = ipv6({ src: 'fe80::1', dst: 'fe80::2' }, udp({ src: 5003, dst: 53, payload: 10 }));
  return capture('sll2', [...frames, sll2(7, PacketType.Host, linkLocal)], { linkType: LinkType.LinuxSll2 });
}

/** The address family in the byte order of the machine that captured; 30 is IPv6 of macOS, 24 of NetBSD, 28 of FreeBSD. */
function nullLoopback(): SampleCapture {
  const v4 = ipv4({ src: '127.0.0.1', dst: '127.0.0.1' }, udp({ src: 5004, dst: 7, payload: 4 }));
  const v6 = ipv6({ src: '::1', dst: '::1' }, udp({ src: 5005, dst: 7, payload: 4 }));
  const families = [24, 28, 30].map((family) => nullLink(family, 'little', v6));
  const frames = [nullLink(2, 'little', v4), nullLink(2, 'big', v4), ...families, nullLink(23, 'little', v4)];
  return capture('null-loop', frames, { linkType: LinkType.Null });
}

function rawIp(): SampleCapture {
  const frames = exchange(5006, 53).flatMap(({ way, inner }) => [raw(toThere(way, inner)), raw(toThere6(way, inner))]);
  return capture('raw-ip', frames, { linkType: LinkType.Raw });
}

/** Header options, then a datagram in three fragments: only the first has ports. The last fragment of another is alone. */
function ipv4Fragments(): SampleCapture {
  const ends = { src: HERE, dst: THERE };
  const whole = udp({ src: 5007, dst: 2049, payload: 2392 });
  const piece = (from: number, to: number, more: boolean) =>
    ipv4({ ...ends, id: 77, offset: from, more }, { protocol: 17, bytes: whole.bytes.slice(from, to) });
  const lost = ipv4({ ...ends, id: 78, offset: 800 }, { protocol: 17, bytes: whole.bytes.slice(800, 1000) });
  const options = ipv4({ ...ends, headerWords: 15 }, udp({ src: 5007, dst: 2049, payload: 16 }));
  const frames = [options, piece(0, 800, true), piece(800, 1600, true), piece(1600, 2400, false), lost];
  return capture('ipv4-options-fragments', frames.map(ethernet));
}

/** Orders in which fragments may come, and what evades whoever believes in one: only the first has ports. */
function fragmentOrders(): SampleCapture {
  const datagram = (port: number) => udp({ src: port, dst: 2049, payload: 92 });
  const parts = (
    id: number,
    { protocol, bytes }: Transport,
    ...cuts: readonly (readonly [from: number, to: number])[]
  ) =>
    cuts.map(([from, to]) =>
      ipv4(
        { src: HERE, dst: THERE, id, offset: from, more: to < bytes.length },
        { protocol, bytes: bytes.slice(from, to) },
      ),
    );
  const parts6 = (
    id: number,
    { protocol, bytes }: Transport,
    ...cuts: readonly (readonly [from: number, to: number])[]
  ) =>
    cuts.map(([offset, to]) =>
      toThere6('out', fragment6({ id, offset, more: to < bytes.length }, { protocol, bytes: bytes.slice(offset, to) })),
    );
  const segment = tcp({ src: 5024, dst: 443, flags: Syn, seq: 1, payload: 20 });
  const [one, two] = [parts(7, datagram(5020), [0, 40], [40, 100]), parts(8, datagram(5021), [0, 40], [40, 100])];
  return capture(
    'fragment-orders',
    [
      ...parts(1, datagram(5016), [80, 100], [40, 80], [0, 40]), // backwards
      ...parts(2, datagram(5017), [40, 80], [0, 40], [80, 100]), // the first in the middle
      ...parts(3, datagram(5018), [0, 40], [8, 48], [24, 100]), // overlapping
      ...parts(4, datagram(5019), [0, 40], [0, 40], [40, 100], [40, 100]), // each twice
      ...[two[1]!, one[0]!, two[0]!, one[1]!], // two datagrams in each other
      ...parts6(5, datagram(5022), [80, 100], [0, 40], [40, 80]),
      ...parts6(6, datagram(5023), [0, 100]), // whole, with a fragment header
      ...parts(9, segment, [8, 40], [0, 8]), // flags only in the second
    ].map(ethernet),
  );
}

function ipv6Extensions(): SampleCapture {
  const inner = udp({ src: 5008, dst: 53, payload: 24 });
  const [HOP_BY_HOP, ROUTING, DESTINATION] = [0, 43, 60];
  const long = udp({ src: 5009, dst: 53, payload: 392 });
  const piece = (from: number, to: number, more: boolean) =>
    fragment6({ id: 99, offset: from, more }, { protocol: 17, bytes: long.bytes.slice(from, to) });
  const chains = [
    extension(HOP_BY_HOP, inner),
    extension(HOP_BY_HOP, extension(DESTINATION, extension(ROUTING, inner), 2)),
    authentication(inner),
    piece(0, 200, true),
    piece(200, 400, false),
    extension(DESTINATION, { protocol: 59, bytes: [] }), // no next header
  ];
  return capture(
    'ipv6-extension',
    chains.map((chain) => ethernet(toThere6('out', chain))),
  );
}

/** Echo is a flow by its id; an error carries the header of the packet it speaks of, which is not counted again. */
function icmpEchoAndErrors(): SampleCapture {
  const refused = ipv4({ src: HERE, dst: THERE }, udp({ src: 5010, dst: 9 }));
  const error: Transport = { protocol: 1, bytes: [3, 3, 0, 0, 0, 0, 0, 0, ...refused.bytes] };
  const frames = [
    ...[1, 2].flatMap(() => [toThere('out', icmp(1, 8, 4711)), toThere('in', icmp(1, 0, 4711))]),
    toThere6('out', icmp(58, 128, 4712)),
    toThere6('in', icmp(58, 129, 4712)),
    ipv6({ src: 'fe80::1', dst: 'ff02::1:ff00:20' }, icmp(58, 135, 0)),
    refused,
    toThere('in', error),
  ];
  return capture('icmp', frames.map(ethernet));
}

function otherTransports(): SampleCapture {
  const [SCTP, UDP_LITE, GRE, ESP] = [132, 136, 47, 50];
  const frames = [
    toThere('out', other(SCTP, 5011, 3868)),
    toThere('in', other(SCTP, 3868, 5011)),
    toThere6('out', other(UDP_LITE, 5012, 5012)),
    toThere('out', other(GRE, 0, 0x0800)),
    toThere('out', other(ESP, 0x1234, 0x5678)),
  ];
  return capture('sctp-udplite', frames.map(ethernet));
}

function bigEndianNano(): SampleCapture {
  const frames = exchange(5013, 53).map(({ way, inner }) => ethernet(toThere(way, inner)));
  return capture('big-endian-nano', frames, { order: 'big', unit: 'nano' });
}

/** A malformed header, a header cut by the snap length, and an end in the midst of a packet. */
function damaged(): SampleCapture {
  const good = ethernet(toThere('out', udp({ src: 5014, dst: 53, payload: 4 })));
  const badVersion = good.slice();
  badVersion[14] = 0x35;
  const cut = { bytes: good.subarray(0, 20), origLen: good.length };
  const records = [{ bytes: good }, { bytes: badVersion }, cut, { bytes: good }];
  return { name: 'damaged', bytes: pcapFile(records.map((record) => ({ ...record, sec: START_SEC }))).slice(0, -10) };
}

export const SAMPLE_CAPTURES: readonly SampleCapture[] = [
  ethernetTcp(),
  vlanQinq(),
  cooked(),
  cooked2(),
  nullLoopback(),
  rawIp(),
  ipv4Fragments(),
  fragmentOrders(),
  ipv6Extensions(),
  icmpEchoAndErrors(),
  otherTransports(),
  bigEndianNano(),
  damaged(),
];
