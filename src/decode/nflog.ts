/** LINKTYPE_NFLOG: a header, then attributes, one of which is the packet; https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html */
import { EtherType, Stop } from './layer.ts';
import type { Work } from './work.ts';

const HEADER = 4; // octets: family, version, resource
const AF_INET = 2;
const AF_INET6 = 10; // of Linux, where alone NFLOG is

const ATTRIBUTE = 4; // octets: length with this header, type; both in the byte order of the machine that captured
const PAYLOAD = 9;

export function skipNflog(work: Work, start: number, end: number): number {
  const { view } = work;
  if (end - start < HEADER + ATTRIBUTE) return Stop.Truncated;
  if (view.getUint8(start + 1) !== 0) return Stop.Malformed; // the only version
  const littleEndian = view.getUint8(start + HEADER + 3) === 0; // of the type: none is above 255
  let at = start + HEADER;
  while (end - at >= ATTRIBUTE) {
    const length = view.getUint16(at, littleEndian);
    if (length < ATTRIBUTE) return Stop.Malformed;
    if (view.getUint16(at + 2, littleEndian) === PAYLOAD) {
      work.at = at + ATTRIBUTE;
      const family = view.getUint8(start);
      return family === AF_INET ? EtherType.Ipv4 : family === AF_INET6 ? EtherType.Ipv6 : Stop.NotIp;
    }
    at += (length + 3) & ~3;
  }
  return at < end ? Stop.Truncated : Stop.NotIp;
}
