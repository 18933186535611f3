/** Link-layer headers down to the EtherType, https://www.tcpdump.org/linktypes.html */
import { DecodeStatus } from '../core/decoded.ts';
import { LinkType, PacketType } from '../core/packet.ts';
import { decodeIpv4 } from './ipv4.ts';
import { decodeIpv6 } from './ipv6.ts';
import type { Status, Work } from './work.ts';

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100; // IEEE 802.1Q
const ETHERTYPE_QINQ = 0x88a8; // IEEE 802.1ad
const ETHERTYPE_QINQ_OLD = 0x9100;
const VLAN_TAG = 4; // octets: tag control, then the next EtherType

const ETHERNET_TYPE = 12; // octets from the header start
const ETHERNET_HEADER = 14;

const SLL_PACKET_TYPE = 0;
const SLL_PROTOCOL = 14;
const SLL_HEADER = 16;

const SLL2_PROTOCOL = 0;
const SLL2_IFINDEX = 4;
const SLL2_PACKET_TYPE = 10;
const SLL2_HEADER = 20;

const NULL_HEADER = 4;
const AF_INET = 2;

/** Raw IP as some systems wrote their own DLT_RAW into files. */
const RAW_NUMBERS_OF_OLD = [12, 14] as const;

/** Decodes packet `i` from its first octet, by the link type of its row. */
export function decodeLink(work: Work, i: number, at: number, end: number): Status {
  const linkType = work.batch.linkType[i]!;
  if (linkType === LinkType.Ethernet) return decodeEthernet(work, i, at, end);
  switch (linkType) {
    case LinkType.LinuxSll2:
      return decodeSll2(work, i, at, end);
    case LinkType.LinuxSll:
      return decodeSll(work, i, at, end);
    case LinkType.Raw:
    case RAW_NUMBERS_OF_OLD[0]:
    case RAW_NUMBERS_OF_OLD[1]:
      return decodeRaw(work, i, at, end);
    case LinkType.Ipv4:
      return decodeIpv4(work, i, at, end);
    case LinkType.Ipv6:
      return decodeIpv6(work, i, at, end);
    case LinkType.Null:
    case LinkType.Loop:
      return decodeNull(work, i, at, end);
    default:
      return DecodeStatus.Unsupported;
  }
}

function decodeEthernet(work: Work, i: number, at: number, end: number): Status {
  if (end - at < ETHERNET_HEADER) return DecodeStatus.Truncated;
  return decodeEtherType(work, i, work.view.getUint16(at + ETHERNET_TYPE), at + ETHERNET_HEADER, end);
}

/** Any number of VLAN tags, then IP. `at` is the octet after the EtherType. */
function decodeEtherType(work: Work, i: number, first: number, start: number, end: number): Status {
  let type = first;
  let at = start;
  while (type === ETHERTYPE_VLAN || type === ETHERTYPE_QINQ || type === ETHERTYPE_QINQ_OLD) {
    if (end - at < VLAN_TAG) return DecodeStatus.Truncated;
    type = work.view.getUint16(at + 2);
    at += VLAN_TAG;
  }
  if (type === ETHERTYPE_IPV4) return decodeIpv4(work, i, at, end);
  if (type === ETHERTYPE_IPV6) return decodeIpv6(work, i, at, end);
  return DecodeStatus.NotIp;
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

function decodeRaw(work: Work, i: number, at: number, end: number): Status {
  if (end - at < 1) return DecodeStatus.Truncated;
  const version = work.view.getUint8(at) >> 4;
  if (version === 4) return decodeIpv4(work, i, at, end);
  if (version === 6) return decodeIpv6(work, i, at, end);
  return DecodeStatus.Malformed;
}

/** An address family in the byte order of the machine that captured (LINKTYPE_NULL) or of the network (LINKTYPE_LOOP). */
function decodeNull(work: Work, i: number, at: number, end: number): Status {
  if (end - at < NULL_HEADER) return DecodeStatus.Truncated;
  const word = work.view.getUint32(at);
  const family = (word & 0xffffff) === 0 ? word >>> 24 : word; // no family is above 255
  switch (family) {
    case AF_INET:
      return decodeIpv4(work, i, at + NULL_HEADER, end);
    case 10: // AF_INET6 of Linux
    case 24: // NetBSD, OpenBSD
    case 28: // FreeBSD
    case 30: // Darwin
      return decodeIpv6(work, i, at + NULL_HEADER, end);
    default:
      return DecodeStatus.NotIp;
  }
}
