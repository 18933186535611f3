/** Tunnels that are known by their UDP port. Each checks what its header must hold: any program may use the port. */
import { LinkType } from '../core/packet.ts';
import { nshNext } from './ethernet.ts';
import { EtherType, type Layer, linkLayer, Stop } from './layer.ts';
import { skipMpls } from './mpls.ts';
import type { Work } from './work.ts';

const toEthernet = linkLayer(LinkType.Ethernet);
const toIp = linkLayer(LinkType.Raw);

const VXLAN = 8; // octets: flags, reserved, network, reserved
const HAS_NETWORK = 0x08;
const HAS_NEXT = 0x04; // of the generic protocol extension, draft-ietf-nvo3-vxlan-gpe

/** RFC 7348 section 5. */
function skipVxlan(work: Work, at: number, end: number): number {
  if (end - at < VXLAN) return Stop.Truncated;
  const flags = work.view.getUint8(at);
  if ((flags & HAS_NETWORK) === 0) return Stop.Malformed;
  work.at = at + VXLAN;
  return (flags & HAS_NEXT) === 0 ? toEthernet : nshNext(work.view.getUint8(at + 3));
}

const GENEVE = 8; // octets: version and length of the options, flags, EtherType, network, reserved

/** RFC 8926 section 3.4. */
function skipGeneve(work: Work, at: number, end: number): number {
  if (end - at < GENEVE) return Stop.Truncated;
  const first = work.view.getUint8(at);
  if (first >> 6 !== 0) return Stop.Malformed;
  work.at = at + GENEVE + ((first & 0x3f) << 2);
  return work.view.getUint16(at + 2);
}

const GTP = 8; // octets: flags, type, length, tunnel
const GTP_VERSION_1 = 0x30; // and not GTP'
const GTP_VERSION = 0xf0;
const USER_DATA = 255;
const HAS_OPTIONS = 0x07;
const OPTIONS = 4; // octets: sequence, N-PDU, type of the next extension
const HAS_EXTENSION = 0x04;

/** GTP-U, 3GPP TS 29.281 section 5. */
function skipGtp(work: Work, at: number, end: number): number {
  const { view } = work;
  if (end - at < GTP) return Stop.Truncated;
  const flags = view.getUint8(at);
  if ((flags & GTP_VERSION) !== GTP_VERSION_1 || view.getUint8(at + 1) !== USER_DATA) return Stop.NotIp;
  work.at = at + GTP;
  if ((flags & HAS_OPTIONS) === 0) return toIp;
  work.at += OPTIONS;
  if (end < work.at) return Stop.Truncated;
  let next = (flags & HAS_EXTENSION) === 0 ? 0 : view.getUint8(work.at - 1);
  while (next !== 0) {
    if (end - work.at < 1) return Stop.Truncated;
    const octets = view.getUint8(work.at) << 2;
    if (octets === 0) return Stop.Malformed;
    work.at += octets;
    if (end < work.at) return Stop.Truncated;
    next = view.getUint8(work.at - 1);
  }
  return toIp;
}

const L2TP = 2; // octets of the flags; which fields follow is up to them
const CONTROL = 0x8000;
const HAS_LENGTH = 0x4000;
const HAS_SEQUENCE = 0x0800;
const HAS_OFFSET = 0x0200;
const L2TP_VERSION = 0x000f;
const IDS = 4; // octets: tunnel, session

/** Version 2, RFC 2661 section 3.1. What a session of version 3 carries is said only when it is set up. */
function skipL2tp(work: Work, start: number, end: number): number {
  const { view } = work;
  if (end - start < L2TP) return Stop.Truncated;
  const flags = view.getUint16(start);
  if ((flags & CONTROL) !== 0 || (flags & L2TP_VERSION) !== 2) return Stop.NotIp;
  let at = start + L2TP + IDS;
  if ((flags & HAS_LENGTH) !== 0) at += 2;
  if ((flags & HAS_SEQUENCE) !== 0) at += 4;
  if ((flags & HAS_OFFSET) !== 0) {
    if (end - at < 2) return Stop.Truncated;
    at += 2 + view.getUint16(at);
  }
  work.at = at;
  return linkLayer(LinkType.Ppp);
}

const AUTHENTICATION = 0x0001;
const MIN_AUTHENTICATION = 13; // octets besides the identifier and the value: type, both lengths, nonce, confirmation
const ORIGIN = 0x0000;
const ORIGIN_OCTETS = 8;

/** RFC 4380 section 5.1.1. */
function skipTeredo(work: Work, start: number, end: number): number {
  const { view } = work;
  let at = start;
  if (end - at >= 4 && view.getUint16(at) === AUTHENTICATION)
    at += MIN_AUTHENTICATION + view.getUint8(at + 2) + view.getUint8(at + 3);
  if (end - at >= 2 && view.getUint16(at) === ORIGIN) at += ORIGIN_OCTETS;
  work.at = at;
  return EtherType.Ipv6;
}

const CAPWAP = 8; // octets
const PLAIN = 0x00; // version 0, and not DTLS
const KEEP_ALIVE = 0x08; // of the first word
const RADIO_FRAME = 0x100;
const OFFSET = 6; // octets from the header start
const FRAGMENT_OFFSET = 0xfff8;

/** RFC 5415 section 4.3; the data channel. */
function skipCapwap(work: Work, at: number, end: number): number {
  const { view } = work;
  if (end - at < CAPWAP) return Stop.Truncated;
  const first = view.getUint32(at);
  const octets = ((first >>> 19) & 0x1f) << 2;
  if (octets < CAPWAP) return Stop.Malformed;
  if (first >>> 24 !== PLAIN || (first & KEEP_ALIVE) !== 0) return Stop.NotIp;
  if ((view.getUint16(at + OFFSET) & FRAGMENT_OFFSET) !== 0) return Stop.NotIp;
  work.at = at + octets;
  return (first & RADIO_FRAME) === 0 ? toEthernet : linkLayer(LinkType.Ieee80211);
}

const LISP = 8; // octets

/** RFC 9300 section 5.1. */
function skipLisp(work: Work, at: number, end: number): number {
  if (end - at < LISP) return Stop.Truncated;
  work.at = at + LISP;
  return toIp;
}

/** https://www.iana.org/assignments/service-names-port-numbers */
export const UDP_TUNNELS: ReadonlyMap<number, Layer> = new Map<number, Layer>([
  [1701, skipL2tp],
  [2152, skipGtp],
  [3544, skipTeredo],
  [4341, skipLisp],
  [4789, skipVxlan],
  [4790, skipVxlan],
  [5247, skipCapwap],
  [6081, skipGeneve],
  [6635, skipMpls], // RFC 7510
  [8472, skipVxlan], // of Linux before the number was assigned
]);
