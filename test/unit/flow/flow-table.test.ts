import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { transferList } from '../../../src/core/columns.ts';
import { FlowTable } from '../../../src/flow/flow-table.ts';
import { answer, datagram, feed, received, rowsOf, sent, summary } from '../../support/flows.ts';
import { ethernet, icmp, ipv4, TcpFlag, udp } from '../../support/packets.ts';

const { Fin, Syn, Rst, Ack } = TcpFlag;
const SEC = 1e6;

describe('FlowTable', () => {
  test('FlowTable joins both directions in one flow, the first packet being original', () => {
    const table = new FlowTable();
    feed(table, [datagram(5 * SEC, 1000), answer(6 * SEC, 1000), answer(7 * SEC, 1000), datagram(8 * SEC, 2000)]);
    const [first, second] = rowsOf(table.drain(Infinity));
    assert.deepEqual(first, {
      serial: 1,
      tuple: '17 10.0.0.1:1000 10.0.0.2:53',
      packets: [1, 2],
      bytes: [42, 284],
      ipBytes: [28, 256],
      duplicates: [0, 0],
      timesUs: [5 * SEC, 7 * SEC],
      bootUs: [5 * SEC, 7 * SEC],
      ifindex: 0,
      pktType: 255,
      netns: 0,
      nat: null,
      cookies: [0, 0],
      isNew: true,
      end: null,
    });
    assert.equal(second?.tuple, '17 10.0.0.1:2000 10.0.0.2:53');
  });

  test('FlowTable takes who answers a SYN for the reply side', () => {
    const table = new FlowTable();
    feed(table, [received(1, Syn | Ack, 9, { pktType: 0 }), sent(2, Ack, 8, { pktType: 4 })]);
    const [row] = rowsOf(table.drain(Infinity));
    assert.equal(row?.tuple, '6 10.0.0.1:40000 10.0.0.2:443');
    assert.deepEqual([row?.packets, row?.pktType], [[1, 1], 4]);
  });

  test('FlowTable counts a flow to itself as original', () => {
    const table = new FlowTable();
    const bytes = ethernet(ipv4({ src: '127.0.0.1', dst: '127.0.0.1' }, udp({ src: 5, dst: 5 })));
    feed(table, [{ bytes }, { bytes }]);
    assert.deepEqual(summary(table.drain(Infinity)), ['1 new 2/0 lives']);
  });

  test('FlowTable joins echo requests and replies of one identifier', () => {
    const table = new FlowTable();
    const echo = (src: string, dst: string, type: number, id: number) => ({
      bytes: ethernet(ipv4({ src, dst }, icmp(1, type, id))),
    });
    const [a, b] = ['10.0.0.1', '10.0.0.2'] as const;
    feed(table, [echo(a, b, 8, 7), echo(b, a, 0, 7), echo(a, b, 8, 8), echo(b, a, 8, 7)]);
    assert.deepEqual(summary(table.drain(Infinity)), ['1 new 1/1 lives', '2 new 1/0 lives', '3 new 1/0 lives']);
  });

  test('FlowTable takes interface and packet type of the first packet', () => {
    const table = new FlowTable();
    feed(table, [datagram(1, 9, { ifindex: 3, pktType: 4 }), datagram(2, 9, { ifindex: 3, pktType: 0 })]);
    const [row] = rowsOf(table.drain(Infinity));
    assert.deepEqual([row?.ifindex, row?.pktType], [3, 4]);
  });

  test('FlowTable counts packets seen on several interfaces once', () => {
    const table = new FlowTable();
    const seen = [3, 2, 5].flatMap((ifindex) => [datagram(1, 9, { ifindex }), answer(2, 9, { ifindex })]);
    feed(table, [...seen, datagram(3, 9, { ifindex: 2 })]);
    const [row] = rowsOf(table.drain(Infinity));
    assert.deepEqual([row?.packets, row?.duplicates, row?.ifindex], [[2, 1], [4, 2 * 42 + 2 * 142], 3]);
    const { packets, duplicatePackets, duplicateBytes } = table.counts;
    assert.deepEqual([packets, duplicatePackets, duplicateBytes], [7, 4, 2 * 42 + 2 * 142]);
  });

  test('FlowTable leaves out packets without addresses', () => {
    const table = new FlowTable();
    feed(table, [{ bytes: ethernet({ etherType: 0x0806, bytes: [1, 2] }) }, datagram(1, 9)]);
    assert.deepEqual(summary(table.flush(Infinity)), ['1 new 1/0 forced']);
    assert.equal(table.counts.packets, 1);
  });
});

describe('FlowTable with TCP', () => {
  const open = [sent(0, Syn, 100), received(1, Syn | Ack, 500), sent(2, Ack, 101)];
  const close = [sent(3, Fin | Ack, 101), received(4, Fin | Ack, 501)];

  test('FlowTable ends a flow when both sides have sent a FIN, and lets late packets join it', () => {
    const table = new FlowTable();
    feed(table, [...open, ...close]);
    assert.deepEqual(summary(table.drain(10)), ['1 new 3/2 end-of-flow']);
    feed(table, [sent(5, Ack, 102), received(59 * SEC, Fin | Ack, 501)]);
    assert.deepEqual(summary(table.drain(59 * SEC)), ['1 4/3 end-of-flow']);
    assert.deepEqual(summary(table.drain(59 * SEC)), []);
    feed(table, [sent(61 * SEC, Ack, 102)]);
    assert.deepEqual(summary(table.drain(61 * SEC)), ['2 new 1/0 lives']);
  });

  test('FlowTable forgets an ended flow after a minute', () => {
    const table = new FlowTable({ capacity: 1 });
    feed(table, [...open, ...close]);
    table.drain(10);
    assert.deepEqual(summary(table.drain(61 * SEC)), []);
    feed(table, [datagram(62 * SEC, 9)]);
    assert.equal(table.counts.evicted, 0);
  });

  test('FlowTable tells what changed after the end before it forgets the flow', () => {
    const table = new FlowTable();
    feed(table, [...open, ...close]);
    table.drain(10);
    feed(table, [sent(30 * SEC, Ack, 102)]);
    assert.deepEqual(summary(table.drain(1000 * SEC)), ['1 4/2 end-of-flow']);
  });

  test('FlowTable ends a flow at a RST', () => {
    const table = new FlowTable();
    feed(table, [sent(0, Syn, 100), received(1, Rst | Ack)]);
    assert.deepEqual(summary(table.drain(Infinity)), ['1 new 1/1 end-of-flow']);
  });

  test('FlowTable takes a SYN that is sent again for the same flow', () => {
    const table = new FlowTable();
    feed(table, [sent(0, Syn, 100), sent(1, Syn, 100), ...open]);
    assert.deepEqual(summary(table.drain(Infinity)), ['1 new 4/1 lives']);
  });

  test('FlowTable begins another flow at a SYN with another sequence number', () => {
    const table = new FlowTable();
    feed(table, [...open, ...close, sent(5, Syn, 900), received(6, Syn | Ack, 5), sent(7, Ack, 901), sent(8, Syn, 77)]);
    assert.deepEqual(summary(table.drain(Infinity)), ['1 new 3/2 end-of-flow', '2 new 2/1 forced', '3 new 1/0 lives']);
  });

  test('FlowTable begins another flow at a SYN in the middle of one whose begin it has not seen', () => {
    const table = new FlowTable();
    feed(table, [received(0, Ack, 7), sent(1, Syn, 900)]);
    const [, second] = rowsOf(table.drain(Infinity));
    assert.equal(second?.tuple, '6 10.0.0.1:40000 10.0.0.2:443');
  });

  test('FlowTable begins another flow at a SYN of the other side once the handshake is over', () => {
    const table = new FlowTable();
    feed(table, [...open, received(3, Syn, 7)]);
    const [first, second] = rowsOf(table.drain(Infinity));
    assert.deepEqual([first?.packets, first?.end], [[2, 1], 'forced']);
    assert.equal(second?.tuple, '6 10.0.0.2:443 10.0.0.1:40000');
  });

  test('FlowTable joins the SYNs of a simultaneous open', () => {
    const table = new FlowTable();
    feed(table, [sent(0, Syn, 100), received(1, Syn, 500), sent(2, Syn | Ack, 100), received(3, Syn | Ack, 500)]);
    assert.deepEqual(summary(table.drain(Infinity)), ['1 new 2/2 lives']);
  });

  test('FlowTable joins a SYN that arrives after its answer', () => {
    const table = new FlowTable();
    feed(table, [received(0, Syn | Ack, 500), sent(1, Syn, 100), sent(2, Ack, 101), sent(3, Syn, 100)]);
    assert.deepEqual(summary(table.drain(Infinity)), ['1 new 3/1 lives']);
  });
});

describe('FlowTable.drain()', () => {
  test('drain() sends a living flow when it is new, then every five seconds if it changed', () => {
    const table = new FlowTable();
    const step = (second: number): string[] => {
      feed(table, [datagram(second * SEC, 9)]);
      return summary(table.drain(second * SEC));
    };
    assert.deepEqual([0, 1, 4, 5, 6, 11].map(step), [
      ['1 new 1/0 lives'],
      [],
      [],
      ['1 4/0 lives'],
      [],
      ['1 6/0 lives'],
    ]);
    assert.deepEqual(summary(table.drain(30 * SEC)), []);
  });

  test('drain() sends what changed even when no packet comes later', () => {
    const table = new FlowTable();
    feed(table, [datagram(0, 9)]);
    table.drain(0);
    feed(table, [datagram(1 * SEC, 9)]);
    assert.deepEqual(summary(table.drain(2 * SEC)), []);
    assert.deepEqual(summary(table.drain(5 * SEC)), ['1 2/0 lives']);
  });

  test('drain() hands out buffers of its own', () => {
    const table = new FlowTable();
    feed(table, [datagram(0, 9)]);
    structuredClone(0, { transfer: transferList(table.drain(0)) });
    feed(table, [datagram(1, 9)]);
    assert.deepEqual(summary(table.flush(2)), ['1 2/0 forced']);
  });
});

describe('FlowTable.flush()', () => {
  test('flush() ends all living flows as forced, whether or not they changed, and empties the table', () => {
    const table = new FlowTable();
    feed(table, [datagram(0, 1), datagram(0, 2), sent(0, Rst)]);
    table.drain(0);
    feed(table, [datagram(1, 2), sent(1, Ack)]);
    assert.deepEqual(summary(table.flush(2)), ['1 1/0 forced', '2 2/0 forced', '3 2/0 end-of-flow']);
    assert.deepEqual(summary(table.flush(2)), []);
    feed(table, [datagram(3, 1)]);
    assert.deepEqual(summary(table.flush(4)), ['4 new 1/0 forced']);
  });

  test('flush() ends flows in portions when asked to, those whose time is over first', () => {
    const table = new FlowTable();
    feed(table, [datagram(0, 1), datagram(61 * SEC, 2), datagram(61 * SEC, 3)]);
    const portions = [1, 2, 3].map(() => summary(table.flush(Infinity, 2)));
    assert.deepEqual(portions, [['1 new 1/0 idle', '2 new 1/0 forced'], ['3 new 1/0 forced'], []]);
  });
});

describe('FlowTable.takeEnded()', () => {
  test('takeEnded() gives each flow once, when it is over', () => {
    const table = new FlowTable();
    feed(table, [datagram(0, 1), sent(0, Rst), datagram(61 * SEC, 2)]);
    assert.deepEqual(summary(table.takeEnded(Infinity, 9)), ['1 new 1/0 idle', '2 new 1/0 end-of-flow']);
    assert.deepEqual(summary(table.takeEnded(Infinity, 9)), []);
    assert.deepEqual(summary(table.flush(Infinity)), ['3 new 1/0 forced']);
  });

  test('takeEnded() leaves to the next call what it may not end yet', () => {
    const table = new FlowTable();
    feed(table, [datagram(0, 1), datagram(0, 2), datagram(61 * SEC, 3)]);
    assert.deepEqual(summary(table.takeEnded(Infinity, 1)), ['1 new 1/0 idle']);
    assert.deepEqual(summary(table.takeEnded(Infinity, 1)), ['2 new 1/0 idle']);
  });
});

describe('FlowTable.giveBack()', () => {
  test('giveBack() of rows leaves nothing of them in the next ones', () => {
    const [fresh, used] = [new FlowTable(), new FlowTable()];
    feed(used, [sent(0, Syn), answer(0, 9), datagram(0, 5)]);
    const rows = used.flush(Infinity);
    rows.natKey.fill(-1, 0, 11);
    used.giveBack(rows);
    for (const table of [fresh, used]) feed(table, [datagram(70 * SEC, 1)]);
    const [first, second] = [fresh.flush(Infinity), used.flush(Infinity)];
    assert.equal(second, rows);
    for (const [name, column] of Object.entries(first)) {
      if (name === 'capacity' || name === 'serial') continue;
      const again = (second as Record<string, unknown>)[name];
      if (!ArrayBuffer.isView(column)) assert.equal(again, column);
      else assert.deepEqual((again as Float64Array)[0], (column as Float64Array)[0], name);
    }
    assert.ok(second.natKey.subarray(0, 11).every((word) => word === 0));
  });
});

describe('FlowTable.takeFresh()', () => {
  test('takeFresh() gives each new flow once, in order', () => {
    const table = new FlowTable({ fresh: true });
    assert.equal(table.takeFresh(), undefined);
    feed(table, [datagram(5, 1), datagram(6, 2), datagram(7, 1)]);
    const fresh = table.takeFresh()!;
    assert.deepEqual(
      [fresh.count, [...fresh.serial.subarray(0, 2)], [...fresh.firstBootUs.subarray(0, 2)]],
      [2, [1, 2], [5, 6]],
    );
    feed(table, [datagram(8, 1)]);
    assert.equal(table.takeFresh(), undefined);
  });

  test('FlowTable by minute ends a row with the minute, so that each packet is told in its own', () => {
    const table = new FlowTable({ byMinute: true, longLivedUs: 0, idleOtherUs: Infinity });
    const times = [59 * SEC, 59.5 * SEC, 60.5 * SEC, 61 * SEC, 1800 * SEC, 1800 * SEC + 1];
    for (const us of times) feed(table, [datagram(us, 1000)]);
    const told = rowsOf(table.drain(Infinity)).map(({ packets, timesUs, isNew }) => [packets[0], timesUs[1], isNew]);
    assert.deepEqual(told, [
      [2, 59.5 * SEC, true],
      [4, 61 * SEC, false],
      [6, 1800 * SEC + 1, false],
    ]);
  });

  test('takeFresh() gives nothing unless the table was told to collect', () => {
    const table = new FlowTable();
    feed(table, [datagram(5, 1)]);
    assert.equal(table.takeFresh(), undefined);
  });

  test('FlowTable keeps a bounded number of rows for a drain that does not come, and counts what it loses', () => {
    const table = new FlowTable({ capacity: 2, mostRows: 3 });
    feed(
      table,
      Array.from({ length: 10 }, (_, i) => datagram((i + 1) * SEC, 1000 + i)),
    );
    const rows = rowsOf(table.drain(Infinity));
    assert.equal(rows.length, 3);
    assert.equal(table.counts.lost, 10 - 3);
    assert.equal(table.counts.packets, 10);
  });
});
