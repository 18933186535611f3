/** The first header of a packet: the two that most captures have, and the way to all others. */
import { DecodeStatus } from '../core/decoded.ts';
import { LinkType, PacketType } from '../core/packet.ts';
import { decodeIpv4 } from './ipv4.ts';
import { decodeIpv6 } from './ipv6.ts';
import { EtherType, linkLayer } from './layer.ts';
import { decodeLayers } from './layers.ts';
import type { Status, Work } from './work.ts';

const ETHERNET_TYPE = 12; // octets from the header start
const ETHERNET_HEADER = 14;

const SLL_PACKET_TYPE = 0;
const SLL_PROTOCOL = 14;
const SLL_HEADER = 16;

const SLL2_PROTOCOL = 0;
const SLL2_IFINDEX = 4;
const SLL2_PACKET_TYPE = 10;
const SLL2_HEADER = 20;

/** Decodes packet `i` from its first octet, by the link type of its row. */
export function decodeLink(work: Work, i: number, at: number, end: number): Status {
  const linkType = work.batch.linkType[i]!;
  if (linkType === LinkType.Ethernet) return decodeEthernet(work, i, at, end);
  if (linkType === LinkType.LinuxSll2) return decodeSll2(work, i, at, end);
  if (linkType === LinkType.LinuxSll) return decodeSll(work, i, at, end);
  work.at = at;
  return decodeLayers(work, i, linkLayer(linkType), end);
}

function decodeEthernet(work: Work, i: number, at: number, end: number): Status {
  if (end - at < ETHERNET_HEADER) return DecodeStatus.Truncated;
  return decodeEtherType(work, i, work.view.getUint16(at + ETHERNET_TYPE), at + ETHERNET_HEADER, end);
}

/** `at` is the octet after the EtherType. */
function decodeEtherType(work: Work, i: number, type: number, at: number, end: number): Status {
  if (type === EtherType.Ipv4) return decodeIpv4(work, i, at, end);
  if (type === EtherType.Ipv6) return decodeIpv6(work, i, at, end);
  work.at = at;
  return decodeLayers(work, i, type, end);
}

/** LINKTYPE_LINUX_SLL: packet type, ARPHRD, address length, address, protocol. */
function decodeSll(work: Work, i: number, at: number, end: number): Status {
  if (end - at < SLL_HEADER) return unknownInterface(work, i);
  work.batch.pktType[i] = work.view.getUint16(at + SLL_PACKET_TYPE);
  return decodeEtherType(work, i, work.view.getUint16(at + SLL_PROTOCOL), at + SLL_HEADER, end);
}

/** LINKTYPE_LINUX_SLL2: protocol, reserved, ifindex, ARPHRD, packet type, address length, address. */
function decodeSll2(work: Work, i: number, at: number, end: number): Status {
  if (end - at < SLL2_HEADER) return unknownInterface(work, i);
  work.batch.ifindex[i] = work.view.getUint32(at + SLL2_IFINDEX);
  work.batch.pktType[i] = work.view.getUint8(at + SLL2_PACKET_TYPE);
  return decodeEtherType(work, i, work.view.getUint16(at + SLL2_PROTOCOL), at + SLL2_HEADER, end);
}

/** The batch is used again and again: what an earlier packet left in this row must not stay. */
function unknownInterface(work: Work, i: number): Status {
  work.batch.ifindex[i] = 0;
  work.batch.pktType[i] = PacketType.Unknown;
  return DecodeStatus.Truncated;
}
