/** What drivers put before an IEEE 802.11 frame: radiotap, PPI, AVS, Prism. */
import { LinkType } from '../core/packet.ts';
import { linkLayer, Next, Stop } from './layer.ts';
import type { Work } from './work.ts';

const toIeee80211 = linkLayer(LinkType.Ieee80211);

const RADIOTAP = 8; // octets: version, padding, length, which fields there are
const LENGTH = 2; // octets from the header start
const PRESENT = 4;
const HAS_TIME = 1;
const HAS_FLAGS = 2;
const MORE_FIELDS = 0x80000000;
const TIME = 8; // octets, and its alignment
const DATA_PADDED = 0x20; // of the flags

/** https://www.radiotap.org */
export function skipRadiotap(work: Work, at: number, end: number): number {
  const { view } = work;
  if (end - at < RADIOTAP) return Stop.Truncated;
  const length = view.getUint16(at + LENGTH, true);
  if (view.getUint8(at) !== 0 || length < RADIOTAP) return Stop.Malformed;
  if (end - at < length) return Stop.Truncated;
  work.at = at + length;
  const present = view.getUint32(at + PRESENT, true);
  if ((present & HAS_FLAGS) === 0) return toIeee80211;
  let field = PRESENT; // octets from the header start
  while (field + 4 <= length && (view.getUint32(at + field, true) & MORE_FIELDS) !== 0) field += 4;
  field += 4;
  if ((present & HAS_TIME) !== 0) field = ((field + TIME - 1) & ~(TIME - 1)) + TIME;
  const padded = field < length && (view.getUint8(at + field) & DATA_PADDED) !== 0;
  return padded ? Next.Ieee80211Padded : toIeee80211;
}

const PPI = 8; // octets: version, flags, length, link type
const PPI_LINK_TYPE = 4;

/** LINKTYPE_PPI; it may stand before any link layer. */
export function skipPpi(work: Work, at: number, end: number): number {
  if (end - at < PPI) return Stop.Truncated;
  const length = work.view.getUint16(at + LENGTH, true);
  if (length < PPI) return Stop.Malformed;
  if (end - at < length) return Stop.Truncated;
  work.at = at + length;
  const linkType = work.view.getUint32(at + PPI_LINK_TYPE, true);
  return linkType <= 0xffff ? linkLayer(linkType) : Stop.Malformed;
}

const LONG_LENGTH = 4; // octets from the header start
const MIN_LONG = 8; // octets
const AVS_COOKIE = 0x80211; // the upper bits of the first word

/** LINKTYPE_IEEE802_11_AVS: a version, then the length of the header. */
export function skipAvs(work: Work, at: number, end: number): number {
  if (end - at < MIN_LONG) return Stop.Truncated;
  return skipLong(work, at, end, work.view.getUint32(at + LONG_LENGTH));
}

const PRISM = 144; // octets

/** LINKTYPE_PRISM_HEADER: in the byte order of the machine that captured; some drivers write AVS under this number. */
export function skipPrism(work: Work, at: number, end: number): number {
  if (end - at < MIN_LONG) return Stop.Truncated;
  if (work.view.getUint32(at) >>> 12 === AVS_COOKIE) return skipAvs(work, at, end);
  return skipLong(work, at, end, PRISM);
}

function skipLong(work: Work, at: number, end: number, length: number): number {
  if (length < MIN_LONG) return Stop.Malformed;
  if (end - at < length) return Stop.Truncated;
  work.at = at + length;
  return toIeee80211;
}
