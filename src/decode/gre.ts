/** Generic routing encapsulation: RFC 2784, RFC 2890, PPTP's version 1 of RFC 2637 section 4.1, ERSPAN inside it. */
import { LinkType } from '../core/packet.ts';
import { EtherType, linkLayer, Stop } from './layer.ts';
import type { Work } from './work.ts';

const HEADER = 4; // octets: flags and version, then the EtherType
const OPTION = 4; // octets of each field that a flag announces
const CHECKSUM = 0x8000;
const ROUTING = 0x4000; // RFC 1701, obsolete
const KEY = 0x2000;
const SEQUENCE = 0x1000;
const ACKNOWLEDGMENT = 0x0080; // version 1 only
const VERSION = 0x0007;

const ERSPAN_2 = 8; // octets
const ERSPAN_3 = 12; // octets
const ERSPAN_3_MORE = 8; // octets of the platform's own header
const HAS_MORE = 0x0001; // of the last two octets
const FRAME_KIND = 0x7c00;
const ETHERNET_FRAME = 0;

export function skipGre(work: Work, at: number, end: number): number {
  const { view } = work;
  if (end - at < HEADER) return Stop.Truncated;
  const flags = view.getUint16(at);
  const type = view.getUint16(at + 2);
  const version = flags & VERSION;
  if (version > 1 || (flags & ROUTING) !== 0) return Stop.NotIp;
  let next = at + HEADER;
  for (const flag of [CHECKSUM, KEY, SEQUENCE]) if ((flags & flag) !== 0) next += OPTION;
  if (version === 1 && (flags & ACKNOWLEDGMENT) !== 0) next += OPTION;
  work.at = next;
  if (type === EtherType.Erspan3) return skipErspan3(work, next, end);
  if (type !== EtherType.ErspanOld) return type;
  if ((flags & SEQUENCE) !== 0) work.at += ERSPAN_2; // type I has neither a number nor a header
  return linkLayer(LinkType.Ethernet);
}

/** draft-foschiano-erspan section 4.3. */
function skipErspan3(work: Work, at: number, end: number): number {
  if (end - at < ERSPAN_3) return Stop.Truncated;
  const last = work.view.getUint16(at + ERSPAN_3 - 2);
  if ((last & FRAME_KIND) !== ETHERNET_FRAME) return Stop.NotIp;
  work.at = at + ERSPAN_3 + ((last & HAS_MORE) === 0 ? 0 : ERSPAN_3_MORE);
  return linkLayer(LinkType.Ethernet);
}
