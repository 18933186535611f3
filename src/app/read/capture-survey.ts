/** A first look at capture files: when connections began, and which addresses there are. */
import { statSync } from 'node:fs';
import { FILE_BATCH_BYTES, PcapFileSource } from '../../capture/file.ts';
import { addressBytes, isLoopback, isMulticast, isUnspecified } from '../../core/address.ts';
import { createDecodedBatch, type DecodedBatch, DecodeStatus } from '../../core/decoded.ts';
import { UserError } from '../../core/errors.ts';
import { createPacketBatch, type PacketBatch, timeOf } from '../../core/packet.ts';
import type { Us } from '../../core/time.ts';
import { K_FIRST, K_SECOND, KEY_WORDS, keyFirstPort, keySecondPort } from '../../core/tuple.ts';
import { Decoder } from '../../decode/decode-batch.ts';
import { isSyn } from '../../flow/tcp-end.ts';

const BATCH_PACKETS = 1024;
/** What is looked at: the beginning of a long capture says as much as all of it. */
const MOST_PACKETS = 200_000;
const MOST_BEGINNINGS = 500;
const MOST_ADDRESSES = 500;

export interface TupleEnd {
  readonly address: Uint8Array; // 4 or 16 octets
  readonly port: number;
}

/** A TCP connection that began: its first SYN. */
export interface Beginning {
  readonly src: TupleEnd;
  readonly dst: TupleEnd;
  readonly atUs: Us; // on the clock of the capture
}

export interface CaptureSurvey {
  readonly beginnings: readonly Beginning[]; // of the first MOST_BEGINNINGS tuples
  readonly addresses: readonly Uint8Array[]; // that one host has alone: no loopback, no groups
}

/** @param paths those that are no regular files cannot be read twice: they are passed over */
export async function surveyCaptures(paths: readonly string[]): Promise<CaptureSurvey> {
  const survey = new Survey();
  for (const path of paths) if (statSync(path, { throwIfNoEntry: false })?.isFile()) await survey.read(path);
  return { beginnings: [...survey.beginnings.values()], addresses: [...survey.addresses.values()] };
}

class Survey {
  readonly beginnings = new Map<string, Beginning>();
  readonly addresses = new Map<string, Uint8Array>();
  readonly #batch = createPacketBatch(BATCH_PACKETS, FILE_BATCH_BYTES);
  readonly #decoded = createDecodedBatch(BATCH_PACKETS);
  readonly #decoder = new Decoder();
  #packets = 0;

  /** What is no capture, or damaged, is said by who reads all of it. */
  async read(path: string): Promise<void> {
    try {
      const source = new PcapFileSource({ path });
      try {
        for (let count = 0; count >= 0 && this.#packets < MOST_PACKETS; count = source.read(this.#batch, 0)) {
          if (count === 0) await source.more();
          else this.#take(this.#batch, this.#decoded);
        }
      } finally {
        source.close();
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }

  #take(batch: PacketBatch, decoded: DecodedBatch): void {
    this.#packets += batch.count;
    this.#decoder.decode(batch, decoded);
    for (let i = 0; i < batch.count; i++) {
      if (decoded.status[i] !== DecodeStatus.Ok) continue;
      const at = i * KEY_WORDS;
      if (this.addresses.size < MOST_ADDRESSES) for (const end of [K_FIRST, K_SECOND]) this.#noteAddress(at + end);
      if (isSyn(decoded.tcpFlags[i]!) && this.beginnings.size < MOST_BEGINNINGS) this.#noteBeginning(i, at);
    }
  }

  #noteAddress(at: number): void {
    const { key } = this.#decoded;
    if (isLoopback(key, at) || isMulticast(key, at) || isUnspecified(key, at)) return;
    const name = key.subarray(at, at + 4).join();
    if (!this.addresses.has(name)) this.addresses.set(name, addressBytes(key, at));
  }

  #noteBeginning(i: number, at: number): void {
    const { key } = this.#decoded;
    const name = key.subarray(at, at + KEY_WORDS).join();
    if (this.beginnings.has(name)) return;
    this.beginnings.set(name, {
      src: { address: addressBytes(key, at + K_FIRST), port: keyFirstPort(key, at) },
      dst: { address: addressBytes(key, at + K_SECOND), port: keySecondPort(key, at) },
      atUs: timeOf(this.#batch, i),
    });
  }
}
