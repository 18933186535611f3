import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FastPath } from '../../src/core/fast-path.ts';
import { FlowTable, type FlowTableOptions } from '../../src/flow/flow-table.ts';
import { loadNative } from '../../src/native/binding.ts';
import { type FlowRow, feed, feedIn, rowsOf } from '../support/flows.ts';
import { ethernet, ipv4, ipv6, type Network, type TestPacket, type Transport, tcp, udp } from '../support/packets.ts';
import {
  changesHands,
  closes,
  receives,
  sends,
  socketEvents,
  type TestEvent,
  translation,
  tupleKey,
} from '../support/socket-events.ts';

/** A packet between two of a few hosts and ports, so that most of them meet a flow. */
interface Talk {
  readonly isTcp: boolean;
  readonly isIpv6: boolean;
  readonly from: number;
  readonly to: number;
  readonly flags: number;
  readonly seq: number;
  readonly payload: number;
  readonly gapUs: number;
  readonly ifindex: number;
}

const talk: fc.Arbitrary<Talk> = fc.record({
  isTcp: fc.boolean(),
  isIpv6: fc.boolean(),
  from: fc.nat(3),
  to: fc.nat(3),
  flags: fc.constantFrom(0x02, 0x12, 0x10, 0x10, 0x10, 0x18, 0x11, 0x04),
  seq: fc.nat(2),
  payload: fc.nat(40),
  gapUs: fc.oneof({ arbitrary: fc.nat(1000), weight: 20 }, fc.nat(400e6), fc.integer({ min: -2e6, max: 0 })),
  ifindex: fc.oneof({ arbitrary: fc.constant(2), weight: 5 }, fc.integer({ min: 2, max: 9 })),
});
const talks = fc.array(talk, { minLength: 1, maxLength: 120 });

function toPackets(all: readonly Talk[], order: 'as given' | 'swapped' = 'as given'): TestPacket[] {
  let timeUs = 1e9;
  return all.map((talk) => {
    timeUs += talk.gapUs;
    const [src, dst] = order === 'swapped' ? [talk.to, talk.from] : [talk.from, talk.to];
    const ports = { src: 1000 + src, dst: 1000 + dst, payload: talk.payload };
    const inner: Transport = talk.isTcp ? tcp({ ...ports, flags: talk.flags, seq: talk.seq }) : udp(ports);
    const host = (n: number): string => (talk.isIpv6 ? `2001:db8::${n}` : `10.0.0.${n}`);
    const ends = { src: host(src), dst: host(dst) };
    const network: Network = talk.isIpv6 ? ipv6(ends, inner) : ipv4(ends, inner);
    return { bytes: ethernet(network), timeUs, ifindex: talk.ifindex };
  });
}

/** The last row of each flow. */
class RowBook {
  readonly last = new Map<number, FlowRow>();

  keep(rows: readonly FlowRow[]): void {
    for (const row of rows) {
      const before = this.last.get(row.serial);
      assert.equal(row.isNew, before === undefined, 'the first row of a flow, and no other, is new');
      assert.ok(before === undefined || before.end === null || before.end === row.end, 'an end stays');
      this.last.set(row.serial, row);
    }
  }
}

/** With the addon and without it. */
const WAYS: readonly (FastPath | undefined)[] = [loadNative(), undefined];

/** Feeds in batches of `size` with a drain after each. @returns the last row of each flow */
function run(packets: readonly TestPacket[], options: FlowTableOptions, size: number): Map<number, FlowRow> {
  const table = new FlowTable(options);
  const book = new RowBook();
  for (let at = 0; at < packets.length; at += size) {
    feed(table, packets.slice(at, at + size));
    book.keep(rowsOf(table.drain(Infinity)));
  }
  book.keep(rowsOf(table.flush(Infinity)));
  checkCounts(table, packets, book.last);
  return book.last;
}

function checkCounts(table: FlowTable, packets: readonly TestPacket[], last: Map<number, FlowRow>): void {
  let [rowPackets, rowBytes, duplicates] = [0, 0, 0];
  for (const row of last.values()) {
    assert.notEqual(row.end, null, 'nothing lives after flush()');
    assert.ok(row.timesUs[1] >= row.timesUs[0]);
    rowPackets += row.packets[0] + row.packets[1] + row.duplicates[0];
    rowBytes += row.bytes[0] + row.bytes[1] + row.duplicates[1];
    duplicates += row.duplicates[0];
  }
  assert.equal(rowPackets, packets.length, 'every packet is in one flow or a duplicate');
  assert.equal(
    rowBytes,
    packets.reduce((sum, { bytes }) => sum + bytes.length, 0),
  );
  assert.deepEqual([table.counts.packets, table.counts.bytes], [rowPackets, rowBytes]);
  assert.equal(table.counts.duplicatePackets, duplicates);
  assert.equal(table.counts.flows, last.size);
}

const options = fc.record({
  capacity: fc.constantFrom(1, 2, 5, 1000),
  activeUs: fc.constantFrom(Infinity, 3600e6, 100e6),
  longLivedUs: fc.constantFrom(0, 5e6),
  fast: fc.constantFrom(...WAYS),
});

test('the sum over flows is the sum over packets, whatever ends and however often drain() is called', () => {
  fc.assert(
    fc.property(talks, options, fc.integer({ min: 1, max: 50 }), (all, limits, size) => {
      run(toPackets(all), limits, size);
    }),
    { numRuns: 1000 },
  );
});

/** A packet that is seen in one namespace after the other, and what happens before it. */
interface Turn {
  readonly talk: Talk;
  readonly seenIn: readonly number[]; // indices of namespaces
  readonly event: 'none' | 'sends' | 'receives' | 'closes' | 'changes hands' | 'translates' | 'forgets';
  readonly cookie: number;
  readonly aheadUs: number; // of the packet
}

/** Few tuples, so that everything meets. */
const turns: fc.Arbitrary<Turn[]> = fc.array(
  fc.record({
    talk: fc.tuple(talk, fc.constantFrom([0, 1], [1, 0], [1, 2])).map(([any, [from, to]]) => {
      return { ...any, isIpv6: false, from: from!, to: to! };
    }),
    seenIn: fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }),
    event: fc.constantFrom('none', 'none', 'sends', 'receives', 'closes', 'changes hands', 'translates', 'forgets'),
    cookie: fc.integer({ min: 1, max: 3 }),
    aheadUs: fc.constantFrom(0, 5, 700, -700, -60_000, 3e6),
  }),
  { minLength: 1, maxLength: 80 },
);

/** Lets the event of a turn happen to the tuple of its packet; translation makes the tuple of two other hosts of it. */
function happen(table: FlowTable, { event, talk, seenIn, cookie, aheadUs }: Turn, timeUs: number): void {
  const netns = seenIn[0]!;
  const end = (n: number): string => (talk.isIpv6 ? `[2001:db8::${n}]:${1000 + n}` : `10.0.0.${n}:${1000 + n}`);
  const key = tupleKey(talk.isTcp ? 6 : 17, end(talk.from), end(talk.to));
  const at = timeUs - aheadUs;
  const events: Partial<Record<Turn['event'], TestEvent>> = {
    sends: sends(cookie, key, at, { netns }),
    receives: receives(cookie, key, at, { netns }),
    closes: closes(cookie, at),
    'changes hands': { ...changesHands(cookie, key, at), netns },
  };
  const told = events[event];
  if (told !== undefined) table.noteSockets(socketEvents([told]));
  const translated = tupleKey(talk.isTcp ? 6 : 17, end((talk.from + 1) % 4), end((talk.to + 1) % 4));
  if (event === 'translates' || event === 'forgets') {
    table.noteTranslations(translation(key, translated, event === 'forgets'), netns);
  }
}

test('every packet is in one flow or a duplicate, whatever sockets, namespaces and translations do', () => {
  fc.assert(
    fc.property(turns, options, fc.nat(5), (all, limits, drains) => {
      const table = new FlowTable({ ...limits, netnsInode: (index) => index, netnsIndex: (inode) => inode });
      const book = new RowBook();
      const packets = toPackets(all.map((turn) => turn.talk));
      for (const [i, turn] of all.entries()) {
        happen(table, turn, packets[i]!.timeUs!);
        for (const netns of turn.seenIn) feedIn(table, netns, [packets[i]!]);
        table.settleSockets();
        if (i % 6 < drains) book.keep(rowsOf(table.drain(Infinity)));
      }
      book.keep(rowsOf(table.flush(Infinity)));
      const seen = all.flatMap(({ seenIn }, i) => seenIn.map(() => packets[i]!));
      checkCounts(table, seen, book.last);
      assert.deepEqual(rowsOf(table.flush(Infinity)), [], 'nothing is left');
    }),
    { numRuns: 1500 },
  );
});

test('flows do not depend on where batches begin, nor on the seed of the hash', () => {
  fc.assert(
    fc.property(
      talks,
      fc.integer({ min: 1, max: 50 }),
      fc.integer(),
      fc.constantFrom(...WAYS),
      (all, size, seed, fast) => {
        const packets = toPackets(all.map((talk) => ({ ...talk, gapUs: Math.max(0, talk.gapUs) })));
        const limits = { activeUs: Infinity, fast };
        const tell = (rows: Map<number, FlowRow>): unknown =>
          [...rows.values()].map(({ isNew: _, ...row }) => row).sort((a, b) => a.serial - b.serial);
        assert.deepEqual(tell(run(packets, { ...limits, seed }, size)), tell(run(packets, limits, packets.length)));
      },
    ),
    { numRuns: 300 },
  );
});

test('flows are the same with the addon and without it', () => {
  fc.assert(
    fc.property(talks, options, fc.integer({ min: 1, max: 120 }), fc.integer(), (all, limits, size, seed) => {
      // Who makes room is the flow that is quiet the longest, which packets of a batch that go ahead may change.
      const unbounded = { ...limits, seed, capacity: 1000 };
      const [fast, careful] = WAYS.map((way) => run(toPackets(all), { ...unbounded, fast: way }, size));
      assert.deepEqual([...fast!.values()], [...careful!.values()]);
    }),
    { numRuns: 2000 },
  );
});

/** Few connections that go on for many packets, of which most neither begin nor end anything: what the addon counts. */
const busyTalks: fc.Arbitrary<Talk[]> = fc.array(
  fc.record({
    isTcp: fc.oneof({ arbitrary: fc.constant(true), weight: 5 }, fc.constant(false)),
    isIpv6: fc.constant(false),
    from: fc.nat(1),
    to: fc.nat(1),
    flags: fc.oneof({ arbitrary: fc.constant(0x10), weight: 20 }, fc.constantFrom(0x02, 0x12, 0x11, 0x04)),
    seq: fc.nat(2),
    payload: fc.nat(40),
    gapUs: fc.oneof({ arbitrary: fc.nat(1000), weight: 60 }, fc.nat(8e6)),
    ifindex: fc.oneof({ arbitrary: fc.constant(2), weight: 9 }, fc.constant(3)),
  }),
  { minLength: 60, maxLength: 300 },
);

test('flows that go on are the same with the addon and without it', () => {
  let counted = 0;
  const native = loadNative();
  const watched: FastPath = {
    ...native,
    countFlows: (count, ...columns) => {
      const left = native.countFlows(count, ...columns);
      counted += count - left;
      return left;
    },
  };
  fc.assert(
    fc.property(busyTalks, fc.integer({ min: 5, max: 60 }), fc.integer(), (all, size, seed) => {
      const limits = { seed, longLivedUs: 5e6, activeUs: Infinity };
      const [fast, careful] = [watched, undefined].map((way) => run(toPackets(all), { ...limits, fast: way }, size));
      assert.deepEqual([...fast!.values()], [...careful!.values()]);
    }),
    { numRuns: 500 },
  );
  assert.ok(counted > 3000, `the addon counted only ${counted} packets`);
});

test('flows are the same with the addon and without it, whatever sockets and translations do between batches', () => {
  fc.assert(
    fc.property(turns, options, fc.integer({ min: 1, max: 30 }), fc.integer(), (all, limits, size, seed) => {
      // Where time goes back the list of who is quiet the longest is out of order, with each way in another one.
      const packets = toPackets(all.map(({ talk }) => ({ ...talk, gapUs: Math.max(0, talk.gapUs) })));
      const [fast, careful] = WAYS.map((way) => {
        const netns = { netnsInode: (index: number) => index, netnsIndex: (inode: number) => inode };
        const table = new FlowTable({ ...limits, ...netns, seed, capacity: 1000, fast: way });
        const told: FlowRow[] = [];
        for (let at = 0; at < all.length; at += size) {
          for (let i = at; i < Math.min(at + size, all.length); i++) happen(table, all[i]!, packets[i]!.timeUs!);
          feedIn(table, all[at]!.seenIn[0]!, packets.slice(at, at + size));
          table.settleSockets();
          told.push(...rowsOf(table.drain(Infinity)));
        }
        return [...told, ...rowsOf(table.flush(Infinity))];
      });
      assert.deepEqual(fast, careful);
    }),
    { numRuns: 1000 },
  );
});

test('swapping the ends of every packet swaps the ends of every flow and nothing else', () => {
  const swap = (tuple: string): string => {
    const [protocol, src, dst] = tuple.split(' ');
    return `${protocol} ${dst} ${src}`;
  };
  fc.assert(
    fc.property(talks, options, (all, limits) => {
      const plain = run(toPackets(all), limits, 10);
      const swapped = run(toPackets(all, 'swapped'), limits, 10);
      assert.equal(swapped.size, plain.size);
      for (const [serial, row] of plain) {
        const other = swapped.get(serial)!;
        assert.deepEqual({ ...other, tuple: swap(other.tuple) }, row);
      }
    }),
    { numRuns: 300 },
  );
});
