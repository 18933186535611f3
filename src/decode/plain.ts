/**
 * TCP and UDP over IPv4 and IPv6 over Ethernet, without options, extension headers and fragments: nearly every packet of
 * nearly every capture. One loop that calls nothing writes their rows in half of the time that the way through the layers
 * takes (test/bench/decode-flow.bench.ts). It leaves every other packet to them, also each that is odd in any way, and
 * says of the rest exactly what they would say: test/property/plain.test.ts.
 */
import { type DecodedBatch, DecodeStatus } from '../core/decoded.ts';
import { LinkType, type PacketBatch } from '../core/packet.ts';
import { K_FIRST, K_META, K_PORTS, K_SCOPE, K_SECOND, KEY_WORDS, Protocol, packMeta } from '../core/tuple.ts';
import { LINK_LOCAL, MAPPED } from './address-bits.ts';
import { EtherType } from './layer.ts';

const TYPE = 12; // octets from the frame's start, as all that follow
const IP = 14;

const IPV4_FRAGMENT = 20; // flags and offset
const IPV4_PROTOCOL = 23;
const IPV4_SRC = 26;
const IPV4_DST = 30;
const IPV4_TRANSPORT = 34;
const IPV4_START = 0x45; // version, header of five words
const IS_FRAGMENT = 0x3fff; // more fragments, or an offset

const IPV6_PAYLOAD = 18; // length
const IPV6_NEXT = 20;
const IPV6_SRC = 22;
const IPV6_DST = 38;
const IPV6_TRANSPORT = 54;

const SEQUENCE = 4; // octets from the transport header's start
const FLAGS = 13;
const TRANSPORT_LEAST = FLAGS + 1; // shorter datagrams are left, too: one condition for both protocols

/** Bits of the protocols that are taken; UDP is the last one. */
const TAKEN = (1 << Protocol.Tcp) | (1 << Protocol.Udp);

export class PlainDecoder {
  left = new Uint16Array(0); // rows that were not taken, in their order
  bytes = 0; // frame.len of the rows that were
  ipBytes = 0;

  /** @returns how many rows are left */
  decode(view: DataView, batch: PacketBatch, out: DecodedBatch): number {
    if (this.left.length < batch.capacity) this.left = new Uint16Array(batch.capacity);
    const { count, offset, capLen, origLen, linkType } = batch;
    const { status, key, ipAt, transportAt, ipBytes, tcpFlags, tcpSeq } = out;
    const meta = packMeta(0, 0, batch.netns);
    const left = this.left;
    let leftCount = 0;
    let sumBytes = 0;
    let sumIpBytes = 0;
    for (let i = 0; i < count; i++) {
      const at = offset[i]!;
      const captured = capLen[i]!;
      const onWire = origLen[i]!;
      if (linkType[i] !== LinkType.Ethernet || captured < IPV4_TRANSPORT + TRANSPORT_LEAST) {
        left[leftCount++] = i;
        continue;
      }
      const row = i * KEY_WORDS;
      const type = view.getUint16(at + TYPE);
      let transport: number;
      let length: number;
      let protocol: number;
      if (type === EtherType.Ipv4) {
        const start = view.getInt32(at + IP);
        length = start & 0xffff;
        protocol = view.getUint8(at + IPV4_PROTOCOL);
        transport = at + IPV4_TRANSPORT;
        if (
          start >>> 24 !== IPV4_START ||
          (view.getUint16(at + IPV4_FRAGMENT) & IS_FRAGMENT) !== 0 ||
          length < IPV4_TRANSPORT - IP + TRANSPORT_LEAST ||
          length > onWire - IP ||
          !isTaken(protocol)
        ) {
          left[leftCount++] = i;
          continue;
        }
        key[row + K_META] = meta | (4 << 8) | protocol;
        key[row + K_FIRST] = 0;
        key[row + K_FIRST + 1] = 0;
        key[row + K_FIRST + 2] = MAPPED;
        key[row + K_FIRST + 3] = view.getInt32(at + IPV4_SRC);
        key[row + K_SECOND] = 0;
        key[row + K_SECOND + 1] = 0;
        key[row + K_SECOND + 2] = MAPPED;
        key[row + K_SECOND + 3] = view.getInt32(at + IPV4_DST);
      } else if (type === EtherType.Ipv6 && captured >= IPV6_TRANSPORT + TRANSPORT_LEAST) {
        const payload = view.getUint16(at + IPV6_PAYLOAD);
        const src = view.getInt32(at + IPV6_SRC);
        const dst = view.getInt32(at + IPV6_DST);
        length = payload + IPV6_TRANSPORT - IP;
        protocol = view.getUint8(at + IPV6_NEXT);
        transport = at + IPV6_TRANSPORT;
        if (
          view.getUint8(at + IP) >> 4 !== 6 ||
          payload < TRANSPORT_LEAST ||
          length > onWire - IP ||
          !isTaken(protocol) ||
          src >>> 22 === LINK_LOCAL ||
          dst >>> 22 === LINK_LOCAL
        ) {
          left[leftCount++] = i;
          continue;
        }
        key[row + K_META] = meta | (6 << 8) | protocol;
        key[row + K_FIRST] = src;
        key[row + K_FIRST + 1] = view.getInt32(at + IPV6_SRC + 4);
        key[row + K_FIRST + 2] = view.getInt32(at + IPV6_SRC + 8);
        key[row + K_FIRST + 3] = view.getInt32(at + IPV6_SRC + 12);
        key[row + K_SECOND] = dst;
        key[row + K_SECOND + 1] = view.getInt32(at + IPV6_DST + 4);
        key[row + K_SECOND + 2] = view.getInt32(at + IPV6_DST + 8);
        key[row + K_SECOND + 3] = view.getInt32(at + IPV6_DST + 12);
      } else {
        left[leftCount++] = i;
        continue;
      }
      const ofTcp = (protocol - Protocol.Udp) >> 31; // all bits, or none: no branch on what nobody can guess
      key[row + K_PORTS] = view.getInt32(transport);
      key[row + K_SCOPE] = 0;
      status[i] = DecodeStatus.Ok;
      ipAt[i] = at + IP;
      transportAt[i] = transport;
      ipBytes[i] = length;
      tcpSeq[i] = view.getInt32(transport + SEQUENCE) & ofTcp;
      tcpFlags[i] = view.getUint8(transport + FLAGS) & ofTcp;
      sumBytes += onWire;
      sumIpBytes += length;
    }
    this.bytes = sumBytes;
    this.ipBytes = sumIpBytes;
    return leftCount;
  }
}

const isTaken = (protocol: number): boolean => protocol <= Protocol.Udp && ((TAKEN >>> protocol) & 1) !== 0;
