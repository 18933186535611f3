/** How a parser hands out what it found in the packet at hand. */
import type { AddressNameSource, FlowNameSource } from '../core/name.ts';

export interface Say {
  address(source: AddressNameSource, address: Int32Array, name: string): void;
  flow(source: FlowNameSource, name: string): void;
}

/**
 * Reads the first octets of a stream, as far as they are known.
 *
 * @returns whether more of them could tell more
 */
export type StreamParser = (bytes: Uint8Array, say: Say) => boolean;
