import { decodeHostile } from '../core/text.ts';
import { forEachOption, InterfaceOption } from './pcapng-blocks.ts';
import { PcapngClock } from './pcapng-time.ts';
import { longestPacket } from './stretch.ts';

export const INTERFACE_LEAST = 20; // octets of a block without options
const LINK_TYPE = 8; // octets from the block's start
const SNAPLEN = 12;
const OPTIONS = 16;

const MICROSECONDS = 6;

/** An Interface Description Block. */
export interface Interface {
  readonly linkType: number; // LINKTYPE_*
  readonly snaplen: number; // octets, 0: no limit
  readonly longest: number; // octets of a packet
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly clock: PcapngClock;
}

/** @param end behind the last octet that may hold options. The block has INTERFACE_LEAST octets. */
export function parseInterface(view: DataView, at: number, end: number, littleEndian: boolean): Interface {
  let name: string | undefined;
  let description: string | undefined;
  let resolution = MICROSECONDS;
  let offsetSec = 0;
  forEachOption(view, at + OPTIONS, end, littleEndian, (code, from, length) => {
    if (code === InterfaceOption.Name) name = textOf(view, from, length);
    else if (code === InterfaceOption.Description) description = textOf(view, from, length);
    else if (code === InterfaceOption.TimeResolution && length >= 1) resolution = view.getUint8(from);
    else if (code === InterfaceOption.TimeOffset && length === 8) {
      offsetSec = Number(view.getBigInt64(from, littleEndian));
    }
  });
  const linkType = view.getUint16(at + LINK_TYPE, littleEndian);
  return {
    linkType,
    snaplen: view.getUint32(at + SNAPLEN, littleEndian),
    longest: longestPacket(linkType),
    name,
    description,
    clock: new PcapngClock(resolution, offsetSec),
  };
}

function textOf(view: DataView, from: number, length: number): string {
  return decodeHostile(new Uint8Array(view.buffer, view.byteOffset + from, length));
}
