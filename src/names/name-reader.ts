/** Names in packets, found beside the decoder: a few comparisons for a packet that holds none. */
import { type DecodedBatch, DecodeStatus } from '../core/decoded.ts';
import type { AddressNameSource, NameFact, NameSource } from '../core/name.ts';
import type { PacketBatch } from '../core/packet.ts';
import { SECOND_US, type Us } from '../core/time.ts';
import { K_META, K_PORTS, K_SECOND, KEY_WORDS, Protocol } from '../core/tuple.ts';
import { type Assembly, AssemblyTable } from './assembly.ts';
import { readDns, readDnsStream } from './dns.ts';
import { HTTP_STARTS, isHttpStart, readHttp } from './http.ts';
import { isQuicStart, readQuic, readQuicHello } from './quic.ts';
import type { Say, StreamParser } from './say.ts';
import { isTlsStart, readTls, TLS_START } from './tls.ts';

const UDP_HEADER = 8; // octets
const MIN_TCP_HEADER = 20; // octets
const DATA_OFFSET = 12; // octets from the start of a TCP header
const SYN = 0x02;
const SHORTEST_START = 4; // octets of a stream that its protocol is known by

const DNS_PORT = 53;
const HTTPS_PORT = 443;
const DATAGRAM_SOURCES: ReadonlyMap<number, AddressNameSource> = new Map([
  [DNS_PORT, 'dns'],
  [5353, 'mdns'],
  [5355, 'llmnr'],
]);

/** 1 for the first octets of streams that are read. */
const STREAM_STARTS = new Uint8Array(256);
for (const octet of [TLS_START, ...HTTP_STARTS]) STREAM_STARTS[octet] = 1;

/** What may be read of one second of packets: who sends nothing else must not stop the counting. */
export interface NameLimits {
  readonly quicPackets: number; // opening one costs as much as counting some hundred packets
  readonly dnsOctets: number;
}
const LIVE_LIMITS: NameLimits = { quicPackets: 2000, dnsOctets: 2 << 20 };

/** Has a lifetime because streams join across batches. */
export class NameReader {
  readonly #onName: (fact: NameFact) => void;
  readonly #streams = new AssemblyTable();
  readonly #say: Say;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #bytes: Uint8Array = new Uint8Array(0);
  readonly #limits: NameLimits;
  #spentSec = 0;
  #quicPackets = 0; // tried in that second
  #dnsOctets = 0; // read in that second
  skipped = 0; // packets that were not read because of the limits

  // Of the packet at hand
  #key: Int32Array = new Int32Array(KEY_WORDS);
  #row = 0; // of #key
  #sec = 0;
  #timeUs: Us = 0;
  #isCut = false; // by the snap length

  constructor(onName: (fact: NameFact) => void, limits: NameLimits = LIVE_LIMITS) {
    this.#onName = onName;
    this.#limits = limits;
    this.#say = {
      address: (source, address, name) => this.#tell(source, address, name),
      flow: (source, name) => {
        const at = this.#row + K_SECOND;
        this.#tell(source, this.#key.slice(at, at + 4), name);
      },
    };
  }

  /**
   * Looks into the packets of a batch that the decoder has seen.
   *
   * @param offsetUs what to take from packet times, as for the flow table: 0 for a file
   */
  look(batch: PacketBatch, decoded: DecodedBatch, offsetUs: Us): void {
    const { count, bytes, offset, capLen, sec, nsec } = batch;
    const { status, key, transportAt, ipAt, ipBytes } = decoded;
    if (this.#bytes !== bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.#key = key;
    for (let i = 0; i < count; i++) {
      const at = transportAt[i]!;
      if (at === 0 || status[i] !== DecodeStatus.Ok) continue;
      const row = i * KEY_WORDS;
      const protocol = key[row + K_META]! & 0xff;
      const captured = offset[i]! + capLen[i]!;
      const ipEnd = ipAt[i]! + ipBytes[i]!;
      const end = Math.min(captured, ipEnd);
      let start: number;
      if (protocol === Protocol.Tcp) {
        if (end - at <= MIN_TCP_HEADER) continue;
        start = at + ((this.#view.getUint8(at + DATA_OFFSET) >> 4) << 2);
        if (end - start < 1 || !this.#mayHoldName(key[row + K_PORTS]!, start)) continue;
      } else if (protocol === Protocol.Udp) {
        start = at + UDP_HEADER;
        if (end <= start) continue;
      } else continue;
      this.#row = row;
      this.#sec = sec[i]!;
      this.#timeUs = sec[i]! * SECOND_US + Math.floor(nsec[i]! / 1000) - offsetUs;
      this.#isCut = captured < ipEnd;
      if (protocol === Protocol.Udp) this.#lookAtDatagram(start, end);
      else this.#lookAtSegment(decoded.tcpSeq[i]! + ((decoded.tcpFlags[i]! & SYN) === 0 ? 0 : 1), start, end);
    }
  }

  /** By the first octet and the ports alone: most segments end here. */
  #mayHoldName(ports: number, start: number): boolean {
    const first = this.#view.getUint8(start);
    return STREAM_STARTS[first] !== 0 || ports >>> 16 === DNS_PORT || this.#streams.mayWait(ports);
  }

  #lookAtDatagram(start: number, end: number): void {
    const source = this.#key[this.#row + K_PORTS]! >>> 16;
    const names = source < 5356 ? DATAGRAM_SOURCES.get(source) : undefined;
    if (names !== undefined) {
      this.#beginSecond();
      this.#dnsOctets += end - start;
      if (this.#dnsOctets > this.#limits.dnsOctets) this.skipped++;
      else readDns(this.#bytes.subarray(start, end), names, this.#say);
    } else if (source !== HTTPS_PORT && isQuicStart(this.#view, start, end)) this.#lookAtQuic(start, end);
  }

  #lookAtQuic(start: number, end: number): void {
    this.#beginSecond();
    if (++this.#quicPackets > this.#limits.quicPackets) {
      this.skipped++;
      return;
    }
    readQuic(this.#bytes.subarray(start, end), (connection, offset, data) => {
      const stream = this.#streams.begin(this.#key, this.#row, connection, this.#sec, readQuicHello);
      this.#feed(stream, offset, data);
    });
  }

  #beginSecond(): void {
    if (this.#spentSec === this.#sec) return;
    this.#spentSec = this.#sec;
    this.#quicPackets = 0;
    this.#dnsOctets = 0;
  }

  #lookAtSegment(sequence: number, start: number, end: number): void {
    const octets = this.#bytes.subarray(start, end);
    const stream = this.#streams.find(this.#key, this.#row, this.#sec);
    const offset = stream === undefined ? 0 : (sequence - stream.base) >>> 0;
    if (stream?.takes(offset)) {
      this.#feed(stream, offset, octets);
      return;
    }
    const parser = this.#parserOf(octets, start);
    if (parser === undefined || !parser(octets, this.#say) || this.#isCut) return;
    this.#feed(this.#streams.begin(this.#key, this.#row, sequence >>> 0, this.#sec, parser), 0, octets);
  }

  #parserOf(octets: Uint8Array, start: number): StreamParser | undefined {
    if (this.#key[this.#row + K_PORTS]! >>> 16 === DNS_PORT) return readDnsStream;
    if (octets.length < SHORTEST_START) return undefined;
    if (isTlsStart(octets[0]!, octets[1]!)) return readTls;
    return isHttpStart(this.#view.getInt32(start)) ? readHttp : undefined;
  }

  #feed(stream: Assembly, offset: number, octets: Uint8Array): void {
    stream.add(offset, octets);
    if (!stream.parser?.(stream.known, this.#say) || stream.isFull) this.#streams.end(stream);
  }

  #tell(source: NameSource, address: Int32Array, name: string): void {
    const key = this.#key.slice(this.#row, this.#row + KEY_WORDS);
    this.#onName({ source, address, key, name, timeUs: this.#timeUs });
  }
}
