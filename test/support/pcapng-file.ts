/** pcapng files built block by block: pcapng(section('big'), interfaceBlock(...), enhancedPacket(...)). */
import { LinkType } from '../../src/core/packet.ts';

type Octets = readonly number[] | Uint8Array;
export type Order = 'little' | 'big';
/** Octets of a block in the byte order of the section it stands in. */
export type Block = (order: Order) => Octets;
/** An option; its value may depend on the byte order. */
export type PcapngOption = readonly [code: number, value: Octets | ((words: Words) => Octets)];

export interface Words {
  u16(n: number): Octets;
  u32(n: number): Octets;
  u64(n: bigint): Octets;
}

const ends = (order: Order, octets: readonly number[]): Octets => (order === 'big' ? octets : [...octets].reverse());

export function words(order: Order): Words {
  const of = (octets: number) => (n: bigint) => {
    const shifts = Array.from({ length: octets }, (_, i) => BigInt(8 * (octets - 1 - i)));
    return ends(
      order,
      shifts.map((shift) => Number((BigInt.asUintN(64, n) >> shift) & 255n)),
    );
  };
  return { u16: (n) => of(2)(BigInt(n)), u32: (n) => of(4)(BigInt(n)), u64: of(8) };
}

const join = (...parts: readonly Octets[]): number[] => parts.flatMap((part) => [...part]);
const pad = (octets: Octets): number[] => [...octets, ...new Array<number>(-octets.length & 3).fill(0)];
export const text = (value: string): Octets => [...Buffer.from(value)];

export function options(order: Order, list: readonly PcapngOption[], close: 'closed' | 'open' = 'closed'): number[] {
  if (list.length === 0) return [];
  const w = words(order);
  const one = ([code, value]: PcapngOption): number[] => {
    const octets = typeof value === 'function' ? value(w) : value;
    return join(w.u16(code), w.u16(octets.length), pad(octets));
  };
  return join(...list.map(one), close === 'closed' ? [0, 0, 0, 0] : []);
}

/** Any block. `unpadded`: the length leaves the padding at the end out, as some writers do. */
export function block(type: number, body: (order: Order) => Octets, length: 'padded' | 'unpadded' = 'padded'): Block {
  return (order) => {
    const w = words(order);
    const octets = body(order);
    const size = w.u32(12 + (length === 'padded' ? pad(octets) : octets).length);
    return join(w.u32(type), size, pad(octets), size);
  };
}

const simple = (build: (w: Words, order: Order) => Octets) => (order: Order) => build(words(order), order);

export interface Section {
  readonly order?: Order;
  readonly length?: bigint; // -1: not known
  readonly options?: readonly PcapngOption[];
}

interface Begins {
  readonly section: Section;
}

export const section = (fields: Section = {}): Begins => ({ section: fields });

export interface InterfaceFields {
  readonly linkType?: number;
  readonly snaplen?: number;
  readonly options?: readonly PcapngOption[];
}

export function interfaceBlock(fields: InterfaceFields = {}): Block {
  const { linkType = LinkType.Ethernet, snaplen = 262_144, options: list = [] } = fields;
  return block(
    1,
    simple((w, order) => join(w.u16(linkType), [0, 0], w.u32(snaplen), options(order, list))),
  );
}

export interface PacketFields {
  readonly bytes: Uint8Array;
  readonly origLen?: number;
  readonly id?: number; // of the interface
  readonly time?: bigint; // in its units
  readonly options?: readonly PcapngOption[];
}

function packetBody(fields: PacketFields, interfaceOf: (w: Words, id: number) => Octets) {
  const { bytes, origLen = bytes.length, id = 0, time = 0n, options: list = [] } = fields;
  return simple((w, order) =>
    join(
      interfaceOf(w, id),
      w.u32(Number(time >> 32n)),
      w.u32(Number(time & 0xffffffffn)),
      w.u32(bytes.length),
      w.u32(origLen),
      list.length === 0 ? bytes : pad(bytes),
      options(order, list),
    ),
  );
}

export const enhancedPacket = (fields: PacketFields, length: 'padded' | 'unpadded' = 'padded'): Block =>
  block(
    6,
    packetBody(fields, (w, id) => w.u32(id)),
    length,
  );

/** The obsolete Packet Block; `drops` were lost between this packet and the one before. */
export const oldPacket = (fields: PacketFields, drops = 0): Block =>
  block(
    2,
    packetBody(fields, (w, id) => join(w.u16(id), w.u16(drops))),
  );

export const simplePacket = (bytes: Uint8Array, origLen = bytes.length): Block =>
  block(
    3,
    simple((w) => join(w.u32(origLen), bytes)),
  );

/** @param blocks each section() begins another section, in its own byte order */
export function pcapng(...blocks: readonly (Block | Begins)[]): Uint8Array {
  let order: Order = 'little';
  const parts = blocks.map((one) => {
    if (typeof one === 'function') return one(order);
    order = one.section.order ?? 'little';
    const { length = -1n, options: list = [] } = one.section;
    const body = simple((w, o) => join(w.u32(0x1a2b3c4d), w.u16(1), w.u16(0), w.u64(length), options(o, list)));
    return block(0x0a0d0d0a, body)(order);
  });
  return Uint8Array.from(join(...parts));
}
