import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { createDecodedBatch } from '../../src/core/decoded.ts';
import { Decoder } from '../../src/decode/decode-batch.ts';
import { NameReader } from '../../src/names/name-reader.ts';
import {
  ascii,
  clientHello,
  cryptoFrame,
  dnsMessage,
  sealInitial,
  tcpWith,
  udpWith,
} from '../support/named-packets.ts';
import { ethernet, ipv4, packetBatch, type TestPacket } from '../support/packets.ts';

const MAX_NAME = 255 * 4; // characters: an octet may be written as \xNN
const ends = { src: '10.0.0.1', dst: '10.0.0.2' };
const answers = [
  { name: [0xc0, 12], type: 5, data: [1, 0x62, 0xc0, 14] },
  { name: [1, 0x62, 0xc0, 14], type: 1, data: [192, 0, 2, 1] },
];
const message = dnsMessage({ question: 'a.example', answers, additional: answers });

describe('NameReader', () => {
  let seeds: Uint8Array[] = [];

  before(async () => {
    const hello = await clientHello('tls.example');
    const tcp = (src: number, dst: number, payload: Iterable<number>, seq = 1): Uint8Array =>
      ethernet(ipv4(ends, tcpWith({ src, dst, seq }, payload)));
    const udp = (src: number, dst: number, payload: Iterable<number>): Uint8Array =>
      ethernet(ipv4(ends, udpWith(src, dst, payload)));
    seeds = [
      ...[53, 5353, 5355].map((port) => udp(port, 5000, message)),
      tcp(53, 5000, [0, message.length, ...message]),
      tcp(53, 5000, message.subarray(0, 30), 33),
      tcp(5000, 80, ascii('GET / HTTP/1.1\r\nHost: web.example\r\n\r\n')),
      tcp(5000, 443, hello.subarray(0, 150)),
      tcp(5000, 443, hello.subarray(150), 151),
      tcp(5000, 443, hello.subarray(100, 200), 101),
      udp(5000, 443, sealInitial(cryptoFrame(0, hello.subarray(5)))),
    ];
  });

  /** One of the packets, with octets behind the headers changed, perhaps cut. */
  const damaged = fc
    .record({ seed: fc.nat(9), changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }), cut: fc.nat() })
    .map(({ seed, changes, cut }) => ({ seed, changes, cut }));

  function packetsOf(all: readonly { seed: number; changes: [number, number][]; cut: number }[]): TestPacket[] {
    return all.map(({ seed, changes, cut }, i) => {
      const whole = seeds[seed]!.slice();
      for (const [at, value] of changes) whole[34 + (at % (whole.length - 34))] = value;
      const bytes = cut % 3 === 0 ? whole.slice(0, 34 + (cut % (whole.length - 34))) : whole;
      return { bytes, origLen: whole.length, timeUs: i };
    });
  }

  function namesOf(packets: readonly TestPacket[], guard: number): unknown[] {
    const facts: unknown[] = [];
    const reader = new NameReader((fact) => {
      assert.ok(fact.name.length > 0 && fact.name.length <= MAX_NAME, fact.name);
      facts.push(fact);
    });
    const batch = packetBatch(packets, guard);
    const out = createDecodedBatch(batch.capacity);
    new Decoder().decode(batch, out);
    reader.look(batch, out, 0);
    return facts;
  }

  test('NameReader never throws, and no octet outside a packet changes what it finds', () => {
    let found = 0;
    fc.assert(
      fc.property(fc.array(damaged, { maxLength: 12 }), (all) => {
        const packets = packetsOf(all);
        const names = namesOf(packets, 0);
        found += names.length;
        for (const guard of [0x16, 0xff]) assert.deepEqual(namesOf(packets, guard), names);
      }),
      { numRuns: 2000 },
    );
    assert.ok(found > 1000, `only ${found} names`);
  });
});
