/** Time-outs, clocks and capacity of the flow table. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FlowTable } from '../../../src/flow/flow-table.ts';
import { answer, datagram, feed, received, rowsOf, sent, summary } from '../../support/flows.ts';
import { TcpFlag } from '../../support/packets.ts';

const { Fin, Syn, Ack } = TcpFlag;
const SEC = 1e6;
const HOUR = 3600 * SEC;

describe('idle time-out', () => {
  test('a flow ends idle after 60 s, with TCP after 300 s', () => {
    const table = new FlowTable();
    feed(table, [datagram(0, 9), sent(0, Ack)]);
    assert.deepEqual(summary(table.drain(60 * SEC)), ['1 new 1/0 lives', '2 new 1/0 lives']);
    assert.deepEqual(summary(table.drain(61 * SEC)), ['1 1/0 idle']);
    assert.deepEqual(summary(table.drain(300 * SEC)), []);
    const [row] = rowsOf(table.drain(301 * SEC));
    assert.deepEqual([row?.end, row?.timesUs], ['idle', [0, 0]]);
  });

  test('a packet after the idle time begins another flow, however rarely drain() is called', () => {
    const table = new FlowTable();
    feed(table, [datagram(0, 9), datagram(60 * SEC, 9), answer(121 * SEC, 9), sent(0, Ack), sent(301 * SEC, Ack)]);
    const rows = rowsOf(table.drain(Infinity));
    assert.deepEqual(
      rows.map(({ tuple, packets, end }) => `${tuple} ${packets.join('/')} ${end}`),
      [
        '17 10.0.0.1:9 10.0.0.2:53 2/0 idle',
        '17 10.0.0.2:53 10.0.0.1:9 1/0 idle', // 180 s before the last packet
        '6 10.0.0.1:40000 10.0.0.2:443 1/0 idle',
        '6 10.0.0.1:40000 10.0.0.2:443 1/0 null',
      ],
    );
  });

  test('a packet time far in the future does not switch the idle time off', () => {
    const table = new FlowTable();
    feed(table, [datagram(1e15, 8), datagram(0, 9), datagram(50 * SEC, 9), datagram(111 * SEC, 9)]);
    assert.deepEqual(summary(table.flush(Infinity)).slice(1), ['2 new 2/0 idle', '3 new 1/0 forced']);
  });

  test('flows end in any order of their last packets', () => {
    const table = new FlowTable();
    for (let second = 0; second < 200; second++) {
      feed(table, [datagram(second * SEC, 1000 + (second % 50)), ...(second < 50 ? [] : [datagram(second * SEC, 1)])]);
    }
    const ended = rowsOf(table.drain(199 * SEC + 30 * SEC)).filter(({ end }) => end === 'idle');
    const before = ended.map(({ bootUs }) => bootUs[1] / SEC);
    assert.deepEqual(
      before,
      Array.from({ length: 19 }, (_, i) => 150 + i),
    );
  });
});

describe('active time-out', () => {
  const limits = { activeUs: 10 * SEC };

  test('a long flow is ended as active and goes on under another serial with its next packet', () => {
    const table = new FlowTable({ ...limits, fresh: true });
    feed(table, [received(0, Syn | Ack), sent(5 * SEC, Ack)]);
    assert.deepEqual(summary(table.drain(9 * SEC)), ['1 new 1/1 lives']);
    feed(table, [sent(9.5 * SEC, Ack)]);
    assert.deepEqual(summary(table.drain(10 * SEC)), ['1 2/1 active']);
    assert.deepEqual(summary(table.drain(11 * SEC)), []);
    table.takeFresh();
    feed(table, [received(12 * SEC, Ack), received(12 * SEC, Ack)]);
    assert.equal(table.takeFresh()?.serial[0], 2);
    const [row] = rowsOf(table.drain(13 * SEC));
    assert.equal(row?.tuple, '6 10.0.0.1:40000 10.0.0.2:443', 'the direction stays');
    assert.deepEqual([row?.serial, row?.isNew, row?.packets, row?.timesUs], [2, true, [0, 2], [12 * SEC, 12 * SEC]]);
  });

  test('a long flow is ended by its own packets when drain() is not called', () => {
    const table = new FlowTable(limits);
    for (let second = 0; second < 25; second++) feed(table, [datagram(second * SEC, 9)]);
    assert.deepEqual(summary(table.drain(Infinity)), ['1 new 10/0 active', '2 new 10/0 active', '3 new 5/0 lives']);
  });

  test('a flow that was ended as active and stays silent is not told again', () => {
    const table = new FlowTable({ ...limits, capacity: 1 });
    feed(table, [datagram(0, 9), datagram(9 * SEC, 9)]);
    assert.deepEqual(summary(table.drain(10 * SEC)), ['1 new 2/0 active']);
    assert.deepEqual(summary(table.drain(HOUR)), []);
    assert.deepEqual(summary(table.flush(HOUR)), []);
  });

  test('a connection that closes after the active time-out is end-of-flow', () => {
    const table = new FlowTable(limits);
    feed(table, [
      sent(0, Syn, 1),
      sent(1, Ack),
      sent(2, Fin | Ack),
      sent(11 * SEC, Ack),
      received(12 * SEC, Fin | Ack),
    ]);
    assert.deepEqual(summary(table.drain(Infinity)), ['1 new 3/0 active', '2 new 1/1 end-of-flow']);
  });

  test('without an active time-out a flow lives as long as it has packets', () => {
    const table = new FlowTable({ activeUs: Infinity });
    for (let hour = 0; hour < 240; hour++) feed(table, [sent(hour * 60 * SEC, Ack)]);
    assert.deepEqual(summary(table.drain(Infinity)), ['1 new 240/0 lives']);
  });
});

describe('clocks', () => {
  const BOOT = 1000 * SEC; // boottime when the test begins
  const REAL = 1_760_000_000 * SEC; // realtime at boot

  for (const [name, step] of [
    ['forwards', HOUR],
    ['backwards', -HOUR],
  ] as const) {
    test(`a clock that steps an hour ${name} neither ends nor stretches a living flow`, () => {
      const table = new FlowTable();
      feed(table, [datagram(REAL + BOOT, 9)], REAL, BOOT + 1 * SEC);
      // The clock steps after the offset was sampled: packets of this batch carry the new time.
      feed(table, [datagram(REAL + BOOT + 1.5 * SEC + step, 9)], REAL, BOOT + 2 * SEC);
      feed(table, [datagram(REAL + BOOT + 2.5 * SEC + step, 9)], REAL + step, BOOT + 3 * SEC);
      const [row, ...others] = rowsOf(table.drain(BOOT + 3 * SEC));
      assert.deepEqual([others.length, row?.packets, row?.end], [0, [3, 0], null]);
      assert.deepEqual(row?.bootUs, [BOOT, BOOT + 2.5 * SEC]);
      assert.deepEqual(row?.timesUs, [REAL + BOOT, REAL + BOOT + 2.5 * SEC]);
    });
  }

  test('packets cannot be later than now, nor earlier than half a minute before the last batch', () => {
    const table = new FlowTable();
    feed(table, [datagram(REAL + BOOT, 1)], REAL, BOOT);
    feed(table, [datagram(REAL, 2), datagram(REAL + 10 * BOOT, 3)], REAL, BOOT + 5);
    const rows = rowsOf(table.drain(BOOT + 5));
    assert.deepEqual(
      rows.map(({ bootUs }) => bootUs[0]),
      [BOOT, BOOT - 30 * SEC, BOOT + 5],
    );
    assert.equal(rows[1]?.timesUs[0], REAL, 'the time of day is that of the packet');
  });

  test('idle flows end idle when the machine slept for an hour', () => {
    const table = new FlowTable();
    feed(table, [datagram(REAL + BOOT, 9), sent(REAL + BOOT, Ack)], REAL, BOOT + 1);
    table.drain(BOOT + 1);
    feed(table, [sent(REAL + BOOT + HOUR, Ack)], REAL, BOOT + HOUR);
    assert.deepEqual(summary(table.drain(BOOT + HOUR)), ['1 1/0 idle', '2 1/0 idle', '3 new 1/0 lives']);
  });

  test('the last time of a flow in a file never goes back', () => {
    const table = new FlowTable();
    feed(table, [datagram(10 * SEC, 9), datagram(5 * SEC, 9), datagram(8 * SEC, 9)]);
    const [row] = rowsOf(table.drain(Infinity));
    assert.deepEqual(row?.timesUs, [10 * SEC, 10 * SEC]);
  });
});

describe('capacity', () => {
  test('a full table ends the least recently active flow, whose row is kept', () => {
    const table = new FlowTable({ capacity: 3 });
    feed(table, [datagram(0, 1), datagram(0, 2), sent(0, Ack)]);
    table.drain(0);
    feed(table, [datagram(2 * SEC, 1)]);
    feed(table, [sent(4 * SEC, Ack), datagram(5 * SEC, 3)]);
    const rows = ['1 2/0 lives', '2 1/0 lack-of-resources', '3 2/0 lives', '4 new 1/0 lives'];
    assert.deepEqual(summary(table.drain(5 * SEC)), rows);
    assert.equal(table.counts.evicted, 1);
  });

  test('a packet does not join the flow that has taken the entry of its own', () => {
    const table = new FlowTable({ capacity: 2 });
    feed(table, [datagram(0, 1), datagram(1, 2)]);
    feed(table, [datagram(2, 3), datagram(3, 1), datagram(4, 3), datagram(5, 1)]);
    const ports = rowsOf(table.flush(Infinity)).map(({ tuple, packets }) => `${tuple.split(' ')[1]} ${packets[0]}`);
    assert.deepEqual(ports, ['10.0.0.1:1 1', '10.0.0.1:2 1', '10.0.0.1:3 2', '10.0.0.1:1 2']);
  });

  test('a full table gives ended flows away first, which is no loss', () => {
    const table = new FlowTable({ capacity: 2 });
    feed(table, [datagram(0, 1), sent(1, Syn, 1), sent(2, Fin | Ack), received(3, Fin | Ack), datagram(4, 2)]);
    assert.deepEqual(summary(table.flush(5)), ['1 new 1/0 forced', '2 new 2/1 end-of-flow', '3 new 1/0 forced']);
    assert.equal(table.counts.evicted, 0);
  });

  test('a flood of tuples leaves every packet in exactly one flow', () => {
    const table = new FlowTable({ capacity: 100 });
    let packets = 0;
    for (let port = 0; port < 20_000; port += 500) {
      feed(
        table,
        Array.from({ length: 500 }, (_, k) => datagram(port + k, port + k)),
      );
      packets += rowsOf(table.drain(Infinity)).filter(({ end }) => end !== null).length;
    }
    packets += rowsOf(table.flush(Infinity)).length;
    assert.equal(packets, 20_000);
    assert.equal(table.counts.evicted, 19_900);
  });

  test('the table refuses to be built without room', () => {
    assert.throws(() => new FlowTable({ capacity: 0 }), RangeError);
  });
});
