/** Names that travel in packets: what an address was called when somebody asked for it, and whom a flow was meant for. */
import type { Columns } from './columns.ts';
import type { Us } from './time.ts';

/** What a name stands on where it was neither said in the flow itself nor answered to its own process before. */
export const BY_ADDRESS = 'address';

/**
 * Who said so. Index = stored code; 0 is none. Answers name an address, the others the destination of one flow; the last
 * one is never found in a packet, but what a name of a flow may stand on.
 */
export const NAME_SOURCES = [null, 'dns', 'mdns', 'llmnr', 'sni', 'http', 'quic', BY_ADDRESS] as const;
export type NameSource = Exclude<(typeof NAME_SOURCES)[number], null | typeof BY_ADDRESS>;
export type AddressNameSource = 'dns' | 'mdns' | 'llmnr';
export type FlowNameSource = Exclude<NameSource, AddressNameSource>;

/** Largest code of an answer. */
export const LAST_ANSWER = 3;

export interface NameFact {
  readonly source: NameSource;
  readonly address: Int32Array; // four words, core/address.ts: what is called so
  readonly key: Int32Array; // KEY_WORDS words of the packet that said it
  readonly name: string; // without the final dot, lower case, made harmless by core/text.ts
  readonly timeUs: Us; // of that packet
}

/** Names as they were found, each with the flow that it came in. */
export const FOUND_NAME_COLUMNS = {
  serial: 'f64', // of the flow; 0: not known
  side: 'u8', // FlowSide that the packet went to: who heard an answer, or whom an sni, http or quic name is of
  source: 'u8', // code of NAME_SOURCES
  address: 'address',
  timeUs: 'f64',
} as const;

/** Names as they are stored: a row is told again, with the same id, when it was said again. */
export const NAME_COLUMNS = {
  id: 'f64', // counted from 1 by the sender within one recording
  address: 'address',
  source: 'u8', // code of NAME_SOURCES
  process: 'f64', // ProcessRow.id of who heard the answer, 0: not known
  fromUs: 'f64', // microseconds since the epoch, first said
  toUs: 'f64', // last said before the address was called otherwise
} as const;

/** Flows that said themselves whom they are for. */
export const FLOW_NAME_COLUMNS = {
  serial: 'f64',
  side: 'u8', // FlowSide of the end that is called so
  name: 'f64', // NAME_COLUMNS.id
} as const;

/** Rows, and beside them the name of each. */
export interface FoundNames {
  readonly rows: Columns<typeof FOUND_NAME_COLUMNS>;
  readonly texts: readonly string[];
}

export interface NameRows {
  readonly rows: Columns<typeof NAME_COLUMNS>;
  readonly texts: readonly string[];
  readonly flows: Columns<typeof FLOW_NAME_COLUMNS>;
}
