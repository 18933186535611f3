import { KEY_WORDS } from './tuple.ts';

/**
 * Why a packet has no row in `key`. Held: it is a fragment that waits for its first one, and its row comes with a later batch.
 * Numbers, because they live in a Uint8Array.
 */
export const DecodeStatus = { Ok: 0, Truncated: 1, Malformed: 2, NotIp: 3, Unsupported: 4, Held: 5 } as const;

/** What the decoder says of each packet of a PacketBatch; same index. Columns are [capacity]. */
export interface DecodedBatch {
  readonly status: Uint8Array; // DecodeStatus; only Ok rows have the columns below
  readonly key: Int32Array; // [capacity * KEY_WORDS], see core/tuple.ts; src is the sender of this packet
  readonly ipAt: Uint32Array; // octet of PacketBatch.bytes at which the IP header begins
  readonly transportAt: Uint32Array; // the same of the transport header; 0: it is not there (later fragments) or was not found
  readonly ipBytes: Uint32Array; // IP header and payload, from the IP length field (from origLen where that is 0: TSO)
  readonly tcpFlags: Uint8Array; // octet 13 of the TCP header, 0 for other protocols or when cut off
  readonly tcpSeq: Uint32Array; // sequence number, 0 for other protocols
  readonly serial?: Float64Array; // set by the flow table: which flow counted the packet, negative in its reply direction
}

/** @param withSerial the flow table shall say which flow each packet was counted in */
export function createDecodedBatch(capacity: number, withSerial = false): DecodedBatch {
  return {
    status: new Uint8Array(capacity),
    key: new Int32Array(capacity * KEY_WORDS),
    ipAt: new Uint32Array(capacity),
    transportAt: new Uint32Array(capacity),
    ipBytes: new Uint32Array(capacity),
    tcpFlags: new Uint8Array(capacity),
    tcpSeq: new Uint32Array(capacity),
    ...(withSerial ? { serial: new Float64Array(capacity) } : {}),
  };
}
