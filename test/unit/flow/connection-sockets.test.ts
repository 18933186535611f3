/** Connections, which belong to one socket whatever is told of it, and sockets that pass to another process. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OwnerEvidence } from '../../../src/core/socket.ts';
import { FlowTable } from '../../../src/flow/flow-table.ts';
import { datagram, noteAndFeed, ownership, received, sent } from '../../support/flows.ts';
import { TcpFlag } from '../../support/packets.ts';
import { changesHands, closes, receives, sends, tupleKey } from '../../support/socket-events.ts';

const { Fin, Syn, Rst, Ack } = TcpFlag;
const SEC = 1e6;
const MS = 1000;

const after = (table: FlowTable): string[] => ownership(table.flush(Infinity));

const client = tupleKey(17, '10.0.0.1:9', '10.0.0.2:53'); // as its socket has it; packets of datagram(_, 9)
const tcpClient = tupleKey(6, '10.0.0.1:40000', '10.0.0.2:443');
const tcpServer = tupleKey(6, '10.0.0.2:443', '10.0.0.1:40000');

describe('sockets of TCP', () => {
  const open = [sent(0, Syn, 100), received(1, Syn | Ack, 500), sent(2, Ack, 101)];

  test('a connection belongs to the sockets of both ends and is not ended by close()', () => {
    const table = new FlowTable();
    noteAndFeed(
      table,
      [sends(7, tcpClient, 0), receives(8, tcpServer, 3), closes(7, 5)],
      [...open, sent(9, Fin | Ack)],
    );
    noteAndFeed(table, [closes(8, 10)], [received(12, Fin | Ack), sent(13, Ack)]);
    assert.deepEqual(after(table), ['1 4/2 end-of-flow 7 8']);
  });

  test('the socket of the next connection does not become that of the one before', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, tcpClient, 0)], [...open, received(5, Rst)]);
    noteAndFeed(table, [sends(70, tcpClient, 100)], []);
    noteAndFeed(table, [], [sent(50, Ack), sent(101, Syn, 900)]);
    assert.deepEqual(after(table), ['1 3/2 end-of-flow 7 0', '2 1/0 forced 70 0']);
  });

  test('the socket of the next connection is kept for it when the one before did not end', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, tcpClient, 0)], open);
    noteAndFeed(table, [sends(70, tcpClient, SEC)], [sent(SEC + 1, Syn, 900)]);
    assert.deepEqual(after(table), ['1 2/1 forced 7 0', '2 1/0 forced 70 0']);
  });

  test('the child takes the place of the listener that got the SYN', () => {
    const table = new FlowTable();
    noteAndFeed(table, [receives(8, tcpServer, 1), receives(80, tcpServer, 300 * MS)], [sent(0, Syn, 1)]);
    noteAndFeed(table, [], [received(2, Syn | Ack, 5), sent(300 * MS - 5, Ack, 2)]);
    assert.deepEqual(after(table), ['1 2/1 forced 0 80']);
  });
});

describe('a socket that changes hands', () => {
  test('the accounting of a connection is split there, and its state goes on', () => {
    const table = new FlowTable();
    const open = [sent(0, Syn, 100), received(1, Syn | Ack, 500), sent(2, Ack, 101)];
    noteAndFeed(table, [sends(7, tcpClient, 0)], [...open, sent(3, Fin | Ack, 101)]);
    noteAndFeed(table, [changesHands(7, tcpClient, 5000)], [received(4000, Ack, 501), received(5100, Fin | Ack, 501)]);
    noteAndFeed(table, [], [sent(5200, Ack, 102), sent(5300, Syn, 100)]);
    assert.deepEqual(after(table), ['1 3/2 forced 7 0', '2 2/1 end-of-flow 7 0']);
  });

  test('of the packets that left right before the event the last one is of the next process, however close they are', () => {
    const table = new FlowTable();
    const packets = [12, 4950, 4960, 5001].map((timeUs) => datagram(timeUs, 9));
    noteAndFeed(table, [sends(7, client, 10), changesHands(7, client, 5000)], packets);
    assert.deepEqual(after(table), ['1 2/0 forced 7 0', '2 2/0 forced 7 0']);
  });

  test('all that happens to a socket between two looks at the ring is told apart', () => {
    const table = new FlowTable();
    const events = [sends(7, client, 10), changesHands(7, client, 5000), closes(7, 8000), sends(70, client, 9000)];
    noteAndFeed(table, events, [datagram(12, 9), datagram(4990, 9), datagram(7000, 9), datagram(9002, 9)]);
    assert.deepEqual(after(table), ['1 1/0 forced 7 0', '2 2/0 end-of-flow 7 0', '3 1/0 forced 70 0']);
  });

  test('a datagram flow is split, too, at most eight times', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, client, 10)], [datagram(12, 9)]);
    for (let n = 1; n <= 20; n++) noteAndFeed(table, [changesHands(7, client, n * MS)], [datagram(n * MS + 10, 9)]);
    const rows = after(table);
    assert.equal(rows.length, 9);
    assert.equal(rows[8], '9 13/0 forced 7 0');
  });

  test('neither an unconnected socket nor a process that did not use it before splits anything', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, client, 10)], [datagram(12, 9)]);
    const unconnected = tupleKey(17, '10.0.0.1:9', '0.0.0.0:0');
    const created = { ...changesHands(7, client, 2000), previous: OwnerEvidence.Created };
    noteAndFeed(table, [changesHands(7, unconnected, 1000), created], [datagram(3000, 9)]);
    assert.deepEqual(after(table), ['1 2/0 forced 7 0']);
  });

  test('another socket of the same tuple does not split the flow of this one', () => {
    const table = new FlowTable();
    noteAndFeed(table, [sends(7, client, 10)], [datagram(12, 9)]);
    noteAndFeed(table, [changesHands(99, client, 1000)], [datagram(3000, 9)]);
    assert.deepEqual(after(table), ['1 2/0 forced 7 0']);
  });
});
