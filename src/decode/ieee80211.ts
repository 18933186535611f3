/** Data frames of IEEE 802.11, section 9.3.2; all others carry no IP. */
import { Next, Stop } from './layer.ts';
import type { Work } from './work.ts';

const HEADER = 24; // octets: control, duration, three addresses, sequence
const FOURTH_ADDRESS = 6;
const QOS_CONTROL = 2;
const HT_CONTROL = 4;
const SEQUENCE = 22; // octets from the header start; the number of a fragment in its low four bits
const SUBFRAME = 14; // octets: both addresses, length

const VERSION_AND_TYPE = 0x0f; // first octet of the frame control
const DATA = 0x08;
const NO_DATA = 0x40;
const QOS = 0x80;

const BETWEEN_SYSTEMS = 0x03; // second octet: to and from a distribution system
const PROTECTED = 0x40;
const HAS_HT_CONTROL = 0x80;

const AGGREGATED = 0x80; // first octet of the QoS control: several packets, of which the first is read

export function skipIeee80211(work: Work, at: number, end: number): number {
  return skipDataHeader(work, at, end, 0);
}

/** Some drivers pad the header to a multiple of four octets, and radiotap says so. */
export function skipIeee80211Padded(work: Work, at: number, end: number): number {
  return skipDataHeader(work, at, end, 3);
}

function skipDataHeader(work: Work, at: number, end: number, roundUp: number): number {
  const { view } = work;
  if (end - at < 2) return Stop.Truncated;
  const kind = view.getUint8(at);
  const flags = view.getUint8(at + 1);
  if ((kind & (VERSION_AND_TYPE | NO_DATA)) !== DATA || (flags & PROTECTED) !== 0) return Stop.NotIp;
  const qosAt = at + HEADER + ((flags & BETWEEN_SYSTEMS) === BETWEEN_SYSTEMS ? FOURTH_ADDRESS : 0);
  const isQos = (kind & QOS) !== 0;
  let octets = qosAt - at;
  if (isQos) octets += QOS_CONTROL + ((flags & HAS_HT_CONTROL) === 0 ? 0 : HT_CONTROL);
  octets = (octets + roundUp) & ~roundUp;
  if (end - at < octets) return Stop.Truncated;
  if ((view.getUint8(at + SEQUENCE) & 0x0f) !== 0) return Stop.NotIp; // a later fragment
  work.at = at + octets;
  if (isQos && (view.getUint8(qosAt) & AGGREGATED) !== 0) work.at += SUBFRAME;
  return Next.Llc;
}
