import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDecodedBatch, DecodeStatus } from '../../../src/core/decoded.ts';
import { KEY_WORDS } from '../../../src/core/tuple.ts';
import { Decoder } from '../../../src/decode/decode-batch.ts';
import { tupleText } from '../../support/decode-one.ts';
import { ethernet, fragment6, ipv4, ipv6, packetBatch, type TestPacket, udp } from '../../support/packets.ts';

const ends = { src: '10.0.0.1', dst: '10.0.0.2' };
const ends6 = { src: '2001:db8::1', dst: '2001:db8::2' };
const body = { protocol: 17, bytes: [9, 9, 9, 9, 9, 9, 9, 9] };

const first = (id: number, timeUs = 0): TestPacket => ({
  bytes: ethernet(ipv4({ ...ends, id, more: true }, udp({ src: 2049, dst: 700, payload: 16 }))),
  timeUs,
});
const later = (id: number, timeUs = 0): TestPacket => ({
  bytes: ethernet(ipv4({ ...ends, id, offset: 24 }, body)),
  origLen: 1000,
  timeUs,
  ifindex: 3,
  pktType: 4,
});
const JOINED = '17 10.0.0.1:2049 10.0.0.2:700';
const ALONE = '17 10.0.0.1:0 10.0.0.2:0';

/** Decodes batch after batch. `next()` gives the tuples of a batch, and of the rows that it released. */
class Batches {
  readonly decoder = new Decoder({ holdFragments: true });

  next(packets: readonly TestPacket[]): { own: string[]; released: string[] } {
    const batch = packetBatch(packets);
    const out = createDecodedBatch(batch.capacity);
    this.decoder.decode(batch, out);
    const own = packets.flatMap((_, i) =>
      out.status[i] === DecodeStatus.Ok ? [tupleText(out.key, i * KEY_WORDS)] : [],
    );
    return { own, released: this.released() };
  }

  released(): string[] {
    const rows = this.decoder.takeReleased();
    return Array.from({ length: rows?.batch.count ?? 0 }, (_, i) => tupleText(rows!.decoded.key, i * KEY_WORDS));
  }
}

describe('HeldFragments', () => {
  test('HeldFragments joins fragments of earlier batches when their first one comes', () => {
    const batches = new Batches();
    assert.deepEqual(batches.next([later(7), later(8), later(7)]), { own: [], released: [] });
    assert.deepEqual(batches.next([first(7)]), { own: [JOINED], released: [JOINED, JOINED] });
    assert.deepEqual(batches.next([later(7)]), { own: [JOINED], released: [] }, 'and later ones as ever');
    batches.decoder.releaseFragments();
    assert.deepEqual(batches.released(), [ALONE], 'the other one waited in vain');
    assert.deepEqual(batches.released(), [], 'each row once');
  });

  test('HeldFragments joins IPv6 fragments, whose next headers may differ', () => {
    const piece = (offset: number, more: boolean, inner = body): TestPacket => ({
      bytes: ethernet(ipv6(ends6, fragment6({ id: 0xfedcba98, offset, more }, inner))),
    });
    const batches = new Batches();
    batches.next([piece(24, true, { ...body, protocol: 60 })]);
    const { released } = batches.next([piece(0, true, udp({ src: 5, dst: 6, payload: 16 }) as typeof body)]);
    assert.deepEqual(released, ['17 2001:db8::1:5 2001:db8::2:6']);
  });

  test('HeldFragments keeps time, lengths, interface and way of a row', () => {
    const { decoder } = new Batches();
    const batch = packetBatch([later(7, 5_000_003)]);
    decoder.decode(batch, createDecodedBatch(1));
    decoder.releaseFragments();
    const rows = decoder.takeReleased()!;
    const { origLen, sec, nsec, ifindex, pktType } = rows.batch;
    assert.deepEqual([origLen[0], sec[0], nsec[0], ifindex[0], pktType[0]], [1000, 5, 3000, 3, 4]);
    assert.deepEqual([rows.decoded.status[0], rows.decoded.ipBytes[0]], [DecodeStatus.Ok, 28]);
    assert.equal(decoder.counts.packets[DecodeStatus.Ok], 1, 'counted once');
  });

  test('HeldFragments does not join what came more than a minute before, and lets it go', () => {
    const batches = new Batches();
    batches.next([later(7, 1e6)]);
    assert.deepEqual(batches.next([first(7, 62e6)]), { own: [JOINED], released: [ALONE] });
    batches.next([later(7, 200e6)]);
    assert.deepEqual(batches.next([first(8, 260e6)]).released, []);
    assert.deepEqual(batches.next([first(8, 261e6)]).released, [ALONE]);
  });

  test('HeldFragments stays of one size under a flood, loses nothing and serves the newest', () => {
    const batches = new Batches();
    let released = 0;
    for (let id = 0; id < 5000; id += 100) {
      released += batches.next(Array.from({ length: 100 }, (_, k) => later(id + k))).released.length;
    }
    assert.equal(released, 5000 - 1024);
    assert.deepEqual(batches.next([first(4999), first(3000)]), { own: [JOINED, JOINED], released: [JOINED] });
    batches.decoder.releaseFragments();
    assert.equal(batches.released().length, 1023);
  });

  test('HeldFragments does not join another protocol, other addresses or the way back', () => {
    const batches = new Batches();
    const other = (fields: typeof ends, protocol = 17): TestPacket => ({
      bytes: ethernet(ipv4({ ...fields, id: 7, offset: 24 }, { ...body, protocol })),
    });
    batches.next([other(ends, 6), other({ src: ends.dst, dst: ends.src }), other({ ...ends, dst: '10.0.0.3' })]);
    assert.deepEqual(batches.next([first(7)]).released, []);
  });
});
