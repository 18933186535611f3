/** Names that travel in packets: what an address was called when somebody asked for it, and whom a flow was meant for. */
import type { Us } from './time.ts';

/** Who said so. The first three name an address, the others the destination of one flow. */
export type AddressNameSource = 'dns' | 'mdns' | 'llmnr';
export type FlowNameSource = 'sni' | 'http' | 'quic';

interface NameOf {
  readonly name: string; // without the final dot, lower case, made harmless by core/text.ts
  readonly timeUs: Us; // of the packet that said it
}

export interface AddressName extends NameOf {
  readonly source: AddressNameSource;
  readonly address: Int32Array; // four words, core/address.ts
}

export interface FlowName extends NameOf {
  readonly source: FlowNameSource;
  readonly key: Int32Array; // of the packet that said it, KEY_WORDS words: the name is that of its destination
}

export type NameFact = AddressName | FlowName;
