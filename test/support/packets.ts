/** Packets built layer by layer from the inside out: ethernet(ipv4({ src, dst }, tcp({ src: 1, dst: 2 }))). */
import { parseAddress } from '../../src/core/address.ts';
import { createPacketBatch, LinkType, type PacketBatch, PacketType } from '../../src/core/packet.ts';

type Bytes = readonly number[];
const u16 = (n: number): Bytes => [(n >>> 8) & 255, n & 255];
const u32 = (n: number): Bytes => [...u16(n >>> 16), ...u16(n)];
const zeros = (n: number): Bytes => new Array<number>(n).fill(0);

/** What stands inside an IP packet, with the protocol number that announces it. */
export interface Transport {
  readonly protocol: number;
  readonly bytes: Bytes;
}
/** What stands inside a frame, with the EtherType that announces it. */
export interface Network {
  readonly etherType: number;
  readonly bytes: Bytes;
}

export const TcpFlag = { Fin: 1, Syn: 2, Rst: 4, Ack: 16 } as const;

interface TcpFields {
  readonly src: number;
  readonly dst: number;
  readonly flags?: number;
  readonly seq?: number;
  readonly payload?: number; // octets
}

export function tcp({ src, dst, flags = TcpFlag.Ack, seq = 0, payload = 0 }: TcpFields): Transport {
  const header = [...u16(src), ...u16(dst), ...u32(seq), ...u32(0), 0x50, flags, ...u16(8192), ...u32(0)];
  return { protocol: 6, bytes: [...header, ...zeros(payload)] };
}

interface Ports {
  readonly src: number;
  readonly dst: number;
  readonly payload?: number; // octets
}

export function udp({ src, dst, payload = 0 }: Ports): Transport {
  return { protocol: 17, bytes: [...u16(src), ...u16(dst), ...u16(8 + payload), ...u16(0), ...zeros(payload)] };
}

/** Any other protocol whose header begins with ports (SCTP, UDP-Lite), or does not. */
export function other(protocol: number, src: number, dst: number): Transport {
  return { protocol, bytes: [...u16(src), ...u16(dst), ...zeros(8)] };
}

export function icmp(protocol: 1 | 58, type: number, id: number): Transport {
  return { protocol, bytes: [type, 0, 0, 0, ...u16(id), ...u16(1)] };
}

interface Addresses {
  readonly src: string;
  readonly dst: string;
}
interface Ipv4Fields extends Addresses {
  readonly totalLength?: number;
  readonly headerWords?: number; // 5 to 15; more than 5 are filled with options
  readonly id?: number;
  readonly offset?: number; // of a fragment, octets
  readonly more?: boolean;
}

export function ipv4(fields: Ipv4Fields, inner: Transport): Network {
  const { src, dst, headerWords = 5, id = 0, offset = 0, more = false } = fields;
  const options = zeros(Math.max(0, headerWords - 5) * 4);
  const length = fields.totalLength ?? 20 + options.length + inner.bytes.length;
  const fragment = (more ? 0x2000 : 0) | (offset / 8);
  const first = [0x40 | headerWords, 0, ...u16(length), ...u16(id), ...u16(fragment), 64, inner.protocol, 0, 0];
  return { etherType: 0x0800, bytes: [...first, ...address(src, 4), ...address(dst, 4), ...options, ...inner.bytes] };
}

export function ipv6(fields: Addresses & { readonly payloadLength?: number }, inner: Transport): Network {
  const length = fields.payloadLength ?? inner.bytes.length;
  const first = [0x60, 0, 0, 0, ...u16(length), inner.protocol, 64];
  return {
    etherType: 0x86dd,
    bytes: [...first, ...address(fields.src, 16), ...address(fields.dst, 16), ...inner.bytes],
  };
}

/** An extension header of 8 * (1 + `extra`) octets: hop-by-hop 0, routing 43, destination 60. */
export function extension(protocol: number, inner: Transport, extra = 0): Transport {
  return { protocol, bytes: [inner.protocol, extra, ...zeros(6 + 8 * extra), ...inner.bytes] };
}

/** An authentication header of 24 octets. */
export function authentication(inner: Transport): Transport {
  return { protocol: 51, bytes: [inner.protocol, 4, ...zeros(22), ...inner.bytes] };
}

interface Fragment {
  readonly id: number;
  readonly offset: number; // octets
  readonly more: boolean;
}

export function fragment6({ id, offset, more }: Fragment, inner: Transport): Transport {
  return { protocol: 44, bytes: [inner.protocol, 0, ...u16(offset | (more ? 1 : 0)), ...u32(id), ...inner.bytes] };
}

function address(text: string, octets: 4 | 16): Bytes {
  const words = parseAddress(text);
  if (words === undefined) throw new Error(`not an address: ${text}`);
  return [...words].flatMap(u32).slice(16 - octets);
}

export function vlan(tpid: number, inner: Network): Network {
  return { etherType: tpid, bytes: [...u16(100), ...u16(inner.etherType), ...inner.bytes] };
}

export function ethernet(inner: Network): Uint8Array {
  return Uint8Array.from([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...u16(inner.etherType), ...inner.bytes]);
}

export function sll(pktType: number, inner: Network): Uint8Array {
  return Uint8Array.from([...u16(pktType), ...u16(1), ...u16(6), ...zeros(8), ...u16(inner.etherType), ...inner.bytes]);
}

export function sll2(ifindex: number, pktType: number, inner: Network): Uint8Array {
  const header = [...u16(inner.etherType), 0, 0, ...u32(ifindex), ...u16(1), pktType, 6, ...zeros(8)];
  return Uint8Array.from([...header, ...inner.bytes]);
}

/** LINKTYPE_NULL of a little-endian or a big-endian machine. */
export function nullLink(family: number, order: 'little' | 'big', inner: Network): Uint8Array {
  const header = u32(family);
  return Uint8Array.from([...(order === 'big' ? header : header.slice().reverse()), ...inner.bytes]);
}

export const raw = (inner: Network): Uint8Array => Uint8Array.from(inner.bytes);

/** A packet as a source delivers it. */
export interface TestPacket {
  readonly bytes: Uint8Array;
  readonly origLen?: number; // default: everything was captured
  readonly timeUs?: number; // microseconds since the epoch
  readonly ifindex?: number;
  readonly pktType?: number;
  readonly linkType?: number;
}

/** @param guard value of the octets between the packets, which nobody may read */
export function packetBatch(packets: readonly TestPacket[], guard = 0xee): PacketBatch {
  const size = packets.reduce((sum, { bytes }) => sum + bytes.length + 8, 8);
  const batch = createPacketBatch(Math.max(1, packets.length), size);
  batch.bytes.fill(guard);
  let at = 8;
  for (const [i, packet] of packets.entries()) {
    const { bytes, origLen = bytes.length, timeUs = 0, ifindex = 0, pktType = PacketType.Unknown } = packet;
    batch.bytes.set(bytes, at);
    batch.offset[i] = at;
    batch.capLen[i] = bytes.length;
    batch.origLen[i] = origLen;
    batch.sec[i] = Math.floor(timeUs / 1e6);
    batch.nsec[i] = (timeUs % 1e6) * 1000;
    batch.ifindex[i] = ifindex;
    batch.pktType[i] = pktType;
    batch.linkType[i] = packet.linkType ?? LinkType.Ethernet;
    at += bytes.length + 8;
  }
  batch.count = packets.length;
  return batch;
}

export interface PcapRecord {
  readonly bytes: Uint8Array;
  readonly origLen?: number;
  readonly sec?: number;
  readonly fraction?: number; // micro- or nanoseconds, as the file says
}
export interface PcapFields {
  readonly order?: 'little' | 'big';
  readonly unit?: 'micro' | 'nano';
  readonly snaplen?: number;
  readonly linkType?: number;
}

/** A classic pcap file. */
export function pcapFile(records: readonly PcapRecord[], fields: PcapFields = {}): Uint8Array {
  const { order = 'little', unit = 'micro', snaplen = 262_144, linkType = LinkType.Ethernet } = fields;
  const word = (n: number): Bytes => (order === 'big' ? u32(n) : u32(n).slice().reverse());
  const half = (n: number): Bytes => (order === 'big' ? u16(n) : u16(n).slice().reverse());
  const magic = unit === 'nano' ? 0xa1b23c4d : 0xa1b2c3d4;
  const parts: Bytes[] = [[...word(magic), ...half(2), ...half(4), ...zeros(8), ...word(snaplen), ...word(linkType)]];
  for (const { bytes, origLen = bytes.length, sec = 0, fraction = 0 } of records) {
    parts.push([...word(sec), ...word(fraction), ...word(bytes.length), ...word(origLen)], [...bytes]);
  }
  return Uint8Array.from(parts.flat());
}
