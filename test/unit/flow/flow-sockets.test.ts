/** Which socket a flow belongs to, and where one socket's flow ends and the next one's begins. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SocketEvent } from '../../../src/core/socket.ts';
import { FlowTable } from '../../../src/flow/flow-table.ts';
import { answer, datagram, feed, feedIn, noteAndFeed, ownership, rowsOf, summary } from '../../support/flows.ts';
import { ethernet, icmp, ipv4, type TestPacket, udp } from '../../support/packets.ts';
import { closes, receives, sends, socketEvents, tupleKey } from '../../support/socket-events.ts';

const SEC = 1e6;
const MS = 1000;

/** Rows when everything is told. */
const after = (table: FlowTable): string[] => ownership(table.flush(Infinity));

const client = tupleKey(17, '10.0.0.1:9', '10.0.0.2:53'); // as the client's socket has it; packets of datagram(_, 9)
const server = tupleKey(17, '10.0.0.2:53', '10.0.0.1:9');
const tcpClient = tupleKey(6, '10.0.0.1:40000', '10.0.0.2:443');

describe('sockets of a new flow', () => {
  test('the ends of a flow get their cookies from events that come with its first packet', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, client, 10), receives(8, server, 30)], [datagram(12, 9), answer(50, 9)]);
    assert.deepEqual(ownership(table.drain(Infinity)), ['1 1/1 lives 7 8']);
  });

  test('an event waits for a packet that is still in the ring', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, client, 10)], []);
    noteAndFeed(table, [], [datagram(12, 9)]);
    assert.deepEqual(ownership(table.drain(Infinity)), ['1 1/0 lives 7 0']);
  });

  test('an event without a packet is forgotten after two seconds', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, client, 10)], []);
    noteAndFeed(table, [sends(1, tcpClient, 3 * SEC)], []);
    noteAndFeed(table, [], [datagram(3 * SEC, 9)]);
    assert.deepEqual(after(table), ['1 1/0 forced 0 0']);
  });

  test('a flow that got its cookie after its first row is told again with the next drain', () => {
    const table = new FlowTable();
    noteAndFeed(table, [], [datagram(12, 9)]);
    assert.deepEqual(ownership(table.drain(1 * SEC)), ['1 1/0 lives 0 0']);
    noteAndFeed(table, [receives(8, server, 20)], []);
    assert.deepEqual(ownership(table.drain(2 * SEC)), ['1 1/0 lives 0 8']);
    assert.deepEqual(ownership(table.drain(3 * SEC)), []);
  });

  test('the local end of an event is found in whichever direction the flow began', () => {
    const table = new FlowTable();
    noteAndFeed(table, [receives(7, client, 20)], [answer(10, 9)]);
    const [row] = rowsOf(table.drain(Infinity));
    assert.deepEqual([row?.tuple, row?.cookies], ['17 10.0.0.2:53 10.0.0.1:9', [0, 7]]);
  });

  test('sockets are those of the namespace in which packets were seen', () => {
    const netnsIndex = (inode: number): number => [0, 4026532000].indexOf(inode);
    const table = new FlowTable({ netnsInode: (index) => [4026531840, 4026532000][index]!, netnsIndex });
    const elsewhere = { netns: 4026532000 };
    table.noteSockets(socketEvents([sends(7, client, 10, elsewhere), sends(9, client, 10, { netns: 4026532999 })]));
    feed(table, [datagram(2000, 9)]); // long after the event
    assert.deepEqual(ownership(table.drain(Infinity)), ['1 1/0 lives 0 0']);
    feed(table, [datagram(2000, 9)], 0, Infinity, 1);
    const [row] = rowsOf(table.flush(Infinity));
    assert.deepEqual(
      [row?.cookies, row?.duplicates],
      [
        [7, 0],
        [1, 42],
      ],
    );
  });
});

describe('another socket on a tuple', () => {
  test('is told apart in whichever namespace its packets are read first', () => {
    const netnsIndex = (inode: number): number => [5, 6].indexOf(inode);
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const table = new FlowTable({ netnsInode: (index) => [5, 6][index]!, netnsIndex });
      const here = { netns: 5 };
      const events = [sends(7, client, 11, here), receives(8, server, 40, { netns: 6 }), closes(7, 300)];
      table.noteSockets(socketEvents([...events, sends(70, client, 500, here)]));
      // The veth's other end is 8 us away.
      for (const netns of order) feedIn(table, netns, [datagram(12 + netns * 8, 9), datagram(502 + netns * 8, 9)]);
      const rows = rowsOf(table.flush(Infinity));
      const told = rows.map(({ packets, cookies, duplicates }) => [packets[0], cookies[0], duplicates[0]]);
      assert.deepEqual(told.sort(), [
        [1, 7, 0],
        [1, 70, 2], // what comes late is counted already
      ]);
    }
  });

  test('is told apart from one that sends on the same tuple in another namespace at the same moment', () => {
    const netnsIndex = (inode: number): number => [5, 6].indexOf(inode);
    const onLoopback = tupleKey(17, '127.0.0.1:9', '127.0.0.1:53');
    for (const [key, from, to] of [
      [client, '10.0.0.1', '10.0.0.2'],
      [onLoopback, '127.0.0.1', '127.0.0.1'],
    ] as const)
      for (const order of [
        [0, 1],
        [1, 0],
      ]) {
        const table = new FlowTable({ netnsInode: (index) => [5, 6][index]!, netnsIndex });
        table.noteSockets(socketEvents([sends(7, key, 11, { netns: 5 }), sends(9, key, 30, { netns: 6 })]));
        for (const netns of order) {
          const bytes = ethernet(ipv4({ src: from, dst: to }, udp({ src: 9, dst: 53, payload: netns })));
          feedIn(table, netns, [{ bytes, timeUs: [12, 35][netns]! }]); // both are sent before either is read
        }
        const told = rowsOf(table.flush(Infinity)).map(({ packets, cookies }) => [packets[0], cookies[0]]);
        assert.deepEqual(told.sort(), [
          [1, 7],
          [1, 9],
        ]);
      }
  });

  test('a flow ends when another socket sends on its tuple, and the receiver stays known', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, client, 10), receives(8, server, 30)], [datagram(12, 9)]);
    noteAndFeed(table, [sends(70, client, 2000)], [datagram(1000, 9), datagram(2002, 9), answer(2003, 9)]);
    assert.deepEqual(after(table), ['1 2/0 end-of-flow 7 8', '2 1/1 forced 70 8']);
    assert.equal(table.counts.late, 0);
  });

  test('packets of all sockets that used a tuple between two looks at the ring are told apart', () => {
    const table = new FlowTable();
    const events = [1, 2, 3, 4].flatMap((n) => [sends(n, client, n * 100), closes(n, n * 100 + 20)]);
    noteAndFeed(
      table,
      events,
      [101, 102, 201, 301, 302, 303, 401].map((timeUs) => datagram(timeUs, 9)),
    );
    assert.deepEqual(after(table), [
      '1 2/0 end-of-flow 1 0',
      '2 1/0 end-of-flow 2 0',
      '3 3/0 end-of-flow 3 0',
      '4 1/0 end-of-flow 4 0',
    ]);
  });

  test("packets of one moment before the change are the first socket's, those after it the second one's", () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, client, 10)], [datagram(12, 9)]);
    noteAndFeed(table, [closes(7, 5000), sends(70, client, 5100)], [datagram(4999, 9), datagram(5099, 9)]);
    assert.deepEqual(after(table), ['1 2/0 end-of-flow 7 0', '2 1/0 forced 70 0']);
  });

  test('a change that is known after the packets beyond it is counted as late and made from then on', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, client, 10)], [datagram(12, 9), datagram(3000, 9)]);
    noteAndFeed(table, [sends(70, client, 2000)], [datagram(4000, 9)]);
    assert.deepEqual(after(table), ['1 2/0 end-of-flow 7 0', '2 1/0 forced 70 0']);
    assert.equal(table.counts.late, 1);
  });

  test('a flow ends when another socket receives its packets, once the one before was closed', () => {
    const table = new FlowTable();
    noteAndFeed(table, [receives(8, server, 30)], [datagram(12, 9)]);
    noteAndFeed(table, [closes(8, 1000), receives(80, server, 1500)], [datagram(900, 9), datagram(1490, 9)]);
    assert.deepEqual(after(table), ['1 2/0 end-of-flow 0 8', '2 1/0 forced 0 80']);
  });

  test('a flow ends when another socket receives its packets a while after the one before', () => {
    const table = new FlowTable();
    noteAndFeed(table, [receives(8, server, 30)], [datagram(12, 9)]);
    noteAndFeed(table, [receives(80, server, 60 * MS)], [datagram(60 * MS - 15, 9)]);
    assert.deepEqual(after(table), ['1 1/0 end-of-flow 0 8', '2 1/0 forced 0 80']);
  });

  test('sockets that receive the same packet do not split the flow, and none of them is named', () => {
    const table = new FlowTable();
    const events = [
      sends(7, client, 10),
      receives(8, server, 30),
      receives(80, server, 34),
      receives(8, server, 99 * MS),
    ];
    noteAndFeed(table, events, [datagram(12, 9), datagram(98 * MS, 9)]);
    assert.deepEqual(after(table), ['1 2/0 forced 7 0']);
  });

  test('who receives a multicast is no matter of the flow', () => {
    const table = new FlowTable();
    const bytes = ethernet(ipv4({ src: '10.0.0.1', dst: '224.0.0.251' }, udp({ src: 5353, dst: 5353 })));
    const receiver = tupleKey(17, '224.0.0.251:5353', '10.0.0.1:5353');
    const sender = tupleKey(17, '10.0.0.1:5353', '224.0.0.251:5353');
    noteAndFeed(table, [sends(7, sender, 1), receives(8, receiver, 5)], [{ bytes, timeUs: 2 }]);
    noteAndFeed(table, [receives(9, receiver, 1 * SEC), closes(8, 2 * SEC)], [{ bytes, timeUs: 3 * SEC }]);
    assert.deepEqual(after(table), ['1 2/0 forced 7 0']);
  });

  test("a raw socket that hears the answers to another one's echo requests does not own them", () => {
    const table = new FlowTable();
    const echo = (src: string, dst: string, type: number, timeUs: number): TestPacket => ({
      bytes: ethernet(ipv4({ src, dst }, icmp(1, type, 77))),
      timeUs,
    });
    const asks = tupleKey(1, '10.0.0.1:77', '10.0.0.2:0');
    noteAndFeed(table, [sends(7, asks, 1)], [echo('10.0.0.1', '10.0.0.2', 8, 2)]);
    noteAndFeed(
      table,
      [receives(7, asks, SEC), receives(8, asks, SEC + 1)],
      [echo('10.0.0.2', '10.0.0.1', 0, SEC - 1)],
    );
    assert.deepEqual(after(table), ['1 1/1 forced 7 0']);
  });

  test('a socket that has sent keeps its end when another one receives', () => {
    const table = new FlowTable();
    noteAndFeed(table, [receives(8, server, 30), sends(8, server, 40)], [datagram(12, 9), answer(42, 9)]);
    noteAndFeed(table, [receives(80, server, SEC)], [datagram(SEC - 10, 9)]);
    assert.deepEqual(after(table), ['1 2/1 forced 0 8']);
  });
});

describe('a socket that is closed', () => {
  test('the flow of a closed socket ends with it, and is told without another packet', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, client, 10)], [datagram(12, 9)]);
    noteAndFeed(table, [closes(7, 100)], []);
    assert.deepEqual(ownership(table.drain(1 * SEC)), ['1 1/0 end-of-flow 7 0']);
    assert.deepEqual(ownership(table.drain(100 * SEC)), []);
  });

  test('packets that the kernel had not handed over yet belong to the closed socket', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, client, 10)], [datagram(12, 9)]);
    noteAndFeed(table, [closes(7, 100)], [datagram(90, 9), datagram(110, 9)]);
    assert.deepEqual(after(table), ['1 2/0 end-of-flow 7 0', '2 1/0 forced 0 0']);
  });

  test('a socket that was closed before its packet was counted ends its flow all the same', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, client, 10), closes(7, 100)], [datagram(12, 9), answer(200, 9)]);
    assert.deepEqual(after(table), ['1 1/0 end-of-flow 7 0', '2 0/1 forced 0 0']);
  });

  test('all flows of a closed socket end', () => {
    const table = new FlowTable();
    const ports = [1, 2, 3];
    const keys = ports.map((port) => tupleKey(17, '10.0.0.2:53', `10.0.0.1:${port}`));
    noteAndFeed(
      table,
      keys.map((key) => receives(8, key, 30)),
      ports.map((port) => datagram(20, port)),
    );
    noteAndFeed(table, [closes(8, 100)], [datagram(200, 2)]);
    assert.deepEqual(after(table), [
      '1 1/0 end-of-flow 0 8',
      '2 1/0 end-of-flow 0 8',
      '3 1/0 end-of-flow 0 8',
      '4 1/0 forced 0 0',
    ]);
  });

  test('the next socket on the tuple owns the flow that begins after the end was told', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, client, 10), closes(7, 100)], [datagram(12, 9)]);
    assert.deepEqual(ownership(table.drain(5 * SEC)), ['1 1/0 end-of-flow 7 0']);
    noteAndFeed(table, [sends(70, client, 6 * SEC)], [datagram(6 * SEC + 1, 9)]);
    assert.deepEqual(ownership(table.drain(7 * SEC)), ['2 1/0 lives 70 0']);
  });
});

test('events of any number are kept within bounds', () => {
  const table = new FlowTable();
  const keys = Array.from({ length: 100 }, (_, n) => tupleKey(17, '10.0.0.1:9', `10.0.1.${n}:53`));
  for (let round = 0; round < 1000; round++) {
    table.noteSockets(socketEvents(keys.map((key, n) => sends(round * 100 + n + 1, key, round))));
  }
  noteAndFeed(table, [{ kind: SocketEvent.Closed, cookie: 99_900, atUs: 1001 }], [datagram(1000, 9)]);
  assert.deepEqual(summary(table.flush(Infinity)), ['1 new 1/0 forced']);
});
