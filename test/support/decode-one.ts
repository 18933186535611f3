import { formatAddress } from '../../src/core/address.ts';
import { createDecodedBatch, type DecodedBatch, DecodeStatus } from '../../src/core/decoded.ts';
import type { PacketBatch } from '../../src/core/packet.ts';
import { K_FIRST, K_SECOND, KEY_WORDS, keyFirstPort, keyProtocol, keySecondPort } from '../../src/core/tuple.ts';
import { Decoder } from '../../src/decode/decode-batch.ts';
import { packetBatch, type TestPacket } from './packets.ts';

export interface Decoded {
  readonly batch: PacketBatch;
  readonly out: DecodedBatch;
  readonly status: number;
  readonly tuple: string; // 'protocol source:port destination:port', '' unless Ok
}

/** Decodes packets in one batch, after each other. */
export function decodeAll(packets: readonly TestPacket[], decoder = new Decoder()): Decoded[] {
  const batch = packetBatch(packets);
  const out = createDecodedBatch(batch.capacity);
  decoder.decode(batch, out);
  return packets.map((_, i) => {
    const status = out.status[i]!;
    return { batch, out, status, tuple: status === DecodeStatus.Ok ? tupleText(out.key, i * KEY_WORDS) : '' };
  });
}

export const decodeOne = (packet: TestPacket): Decoded => decodeAll([packet])[0]!;

/** A key as text that a test can state. */
export function tupleText(key: Int32Array, at: number): string {
  const src = `${formatAddress(key, at + K_FIRST)}:${keyFirstPort(key, at)}`;
  return `${keyProtocol(key, at)} ${src} ${formatAddress(key, at + K_SECOND)}:${keySecondPort(key, at)}`;
}
