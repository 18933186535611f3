import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDecodedBatch } from '../../../src/core/decoded.ts';
import { K_PORTS, KEY_WORDS, packPorts } from '../../../src/core/tuple.ts';
import { Decoder } from '../../../src/decode/decode-batch.ts';
import { FragmentTable } from '../../../src/decode/fragments.ts';
import { decodeAll, tupleText } from '../../support/decode-one.ts';
import {
  ethernet,
  extension,
  fragment6,
  ipv4,
  ipv6,
  packetBatch,
  type TestPacket,
  tcp,
  udp,
} from '../../support/packets.ts';

const ends = { src: '10.0.0.1', dst: '10.0.0.2' };
const ends6 = { src: '2001:db8::1', dst: '2001:db8::2' };
const body = (protocol: number): { protocol: number; bytes: number[] } => ({
  protocol,
  bytes: [9, 9, 9, 9, 9, 9, 9, 9],
});

const first = (id: number, timeUs = 0): TestPacket => ({
  bytes: ethernet(ipv4({ ...ends, id, more: true }, udp({ src: 2049, dst: 700, payload: 16 }))),
  timeUs,
});
const later = (id: number, timeUs = 0, fields = ends): TestPacket => ({
  bytes: ethernet(ipv4({ ...fields, id, offset: 24 }, body(17))),
  timeUs,
});
const tuples = (packets: readonly TestPacket[], decoder?: Decoder): string[] =>
  decodeAll(packets, decoder).map(({ tuple }) => tuple);

const tail: TestPacket = { bytes: ethernet(ipv4({ src: '10.0.0.8', dst: '10.0.0.9' }, tcp({ src: 1, dst: 2 }))) };

const JOINED = '17 10.0.0.1:2049 10.0.0.2:700';
const ALONE = '17 10.0.0.1:0 10.0.0.2:0';

describe('FragmentTable', () => {
  test('FragmentTable gives later fragments the ports of the first', () => {
    assert.deepEqual(tuples([first(7), later(7), later(7)]), [JOINED, JOINED, JOINED]);
  });

  test('FragmentTable does not join fragments of different namespaces', () => {
    const decoder = new Decoder();
    const at = (netns: number, packet: TestPacket): string => {
      const batch = packetBatch([packet]);
      batch.netns = netns;
      const out = createDecodedBatch(1);
      decoder.decode(batch, out);
      return tupleText(out.key, 0);
    };
    const seen = [at(0, first(7)), at(1, later(7)), at(1, first(7)), at(0, later(7)), at(1, later(7))];
    assert.deepEqual(seen, [JOINED, ALONE, JOINED, JOINED, JOINED]);
  });

  test('FragmentTable joins across batches', () => {
    const decoder = new Decoder();
    tuples([first(7)], decoder);
    assert.deepEqual(tuples([later(7)], decoder), [JOINED]);
  });

  test('FragmentTable gives fragments that came before the first one its ports, as far as the batch reaches', () => {
    assert.deepEqual(tuples([later(7), later(8), later(7), first(7)]), [JOINED, ALONE, JOINED, JOINED]);
    const decoder = new Decoder();
    assert.deepEqual(tuples([later(7)], decoder), [ALONE]);
    assert.deepEqual(tuples([tail, first(7)], decoder), ['6 10.0.0.8:1 10.0.0.9:2', JOINED], 'row 0 is another packet');
  });

  test('FragmentTable joins a datagram whose fragments come backwards, in a flood of lone ones', () => {
    const lone = Array.from({ length: 200 }, (_, k) => later(1000 + k));
    const backwards = [...Array.from({ length: 44 }, () => later(7)), first(7)];
    assert.deepEqual(new Set(tuples([...lone, ...backwards]).slice(200)), new Set([JOINED]));
    const many = Array.from({ length: 10_000 }, (_, k) => later(k));
    assert.equal(tuples([...many, first(9000)]).at(-1), JOINED);
  });

  test('FragmentTable leaves a fragment alone whose first one it has not seen', () => {
    const reversed = { src: ends.dst, dst: ends.src };
    assert.deepEqual(tuples([later(7), first(8), later(7), later(8, 0, reversed)]), [
      ALONE,
      JOINED,
      ALONE,
      '17 10.0.0.2:0 10.0.0.1:0',
    ]);
  });

  test('FragmentTable leaves a fragment of another protocol alone', () => {
    const tcpPart = { bytes: ethernet(ipv4({ ...ends, id: 7, offset: 24 }, body(6))) };
    assert.deepEqual(tuples([first(7), tcpPart]), [JOINED, '6 10.0.0.1:0 10.0.0.2:0']);
  });

  test('FragmentTable forgets after a minute, because identifications are used again', () => {
    assert.deepEqual(tuples([first(7, 1e6), later(7, 61e6)]), [JOINED, JOINED]);
    assert.deepEqual(tuples([first(7, 1e6), later(7, 62e6)]), [JOINED, ALONE]);
  });

  test('FragmentTable compares addresses, protocol and identification, not only the slot', () => {
    const table = new FragmentTable(1);
    const { out } = decodeAll([first(7), later(7), later(7, 0, { src: '10.0.0.9', dst: ends.dst })])[0]!;
    table.remember(out, 0, 17, 7, 0);
    const portsAfter = (row: number, protocol: number, id: number): number => {
      out.key[row * KEY_WORDS + K_PORTS] = 0;
      table.join(out, row, protocol, id, 0);
      return out.key[row * KEY_WORDS + K_PORTS]!;
    };
    assert.deepEqual([portsAfter(1, 6, 7), portsAfter(1, 17, 8), portsAfter(2, 17, 7)], [0, 0, 0]);
    assert.equal(portsAfter(1, 17, 7), packPorts(2049, 700));
  });

  test('FragmentTable takes the newest first fragment of an identification', () => {
    const newer = { bytes: ethernet(ipv4({ ...ends, id: 7, more: true }, udp({ src: 1, dst: 2 }))) };
    assert.deepEqual(tuples([first(7), newer, later(7)]).at(-1), '17 10.0.0.1:1 10.0.0.2:2');
    assert.deepEqual(tuples([first(7), later(7), newer]), [JOINED, JOINED, '17 10.0.0.1:1 10.0.0.2:2']);
  });

  test('FragmentTable joins IPv6 fragments, whose ports stand behind another extension header', () => {
    const options = extension(60, udp({ src: 5, dst: 6 }));
    const packets = [
      { bytes: ethernet(ipv6(ends6, fragment6({ id: 0xfedcba98, offset: 0, more: true }, options))) },
      { bytes: ethernet(ipv6(ends6, fragment6({ id: 0xfedcba98, offset: 16, more: false }, body(60)))) },
      { bytes: ethernet(ipv6(ends6, fragment6({ id: 1, offset: 16, more: false }, body(17)))) },
    ];
    const joined = '17 2001:db8::1:5 2001:db8::2:6';
    assert.deepEqual(tuples(packets), [joined, joined, '17 2001:db8::1:0 2001:db8::2:0']);
  });

  test('FragmentTable stays of one size under a flood and still serves the newest', () => {
    const decoder = new Decoder();
    for (let id = 0; id < 20_000; id += 100) {
      tuples(
        Array.from({ length: 100 }, (_, k) => first(id + k)),
        decoder,
      );
    }
    assert.deepEqual(tuples([later(19_999)], decoder), [JOINED]);
  });
});
