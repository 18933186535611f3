/** The same packet seen in several namespaces, and the same tuple of different hosts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FlowColumns } from '../../../src/core/flow.ts';
import { FlowTable, type FlowTableOptions } from '../../../src/flow/flow-table.ts';
import { answer, datagram, feedIn, received, rowsOf, sent } from '../../support/flows.ts';
import { ethernet, ipv4, ipv6, TcpFlag, type TestPacket, tcp, udp } from '../../support/packets.ts';

const { Fin, Syn, Rst, Ack } = TcpFlag;
const SEC = 1e6;

/** Namespaces with indices 0, 1, 2 ... have inodes 100, 101, 102 ... */
function create(options: FlowTableOptions = {}): FlowTable {
  return new FlowTable({ netnsInode: (index) => 100 + index, netnsIndex: (inode) => inode - 100, ...options });
}

/** Namespace, packets, duplicates. */
const counts = (columns: FlowColumns): string[] =>
  rowsOf(columns).map(
    ({ netns, packets, duplicates, end }) => `${netns} ${packets.join('/')} +${duplicates[0]} ${end ?? 'lives'}`,
  );
const after = (table: FlowTable): string[] => counts(table.flush(Infinity));

const network = (timeUs: number, src: string, dst: string, ports: [number, number]): TestPacket => ({
  bytes: ethernet((src.includes(':') ? ipv6 : ipv4)({ src, dst }, udp({ src: ports[0], dst: ports[1] }))),
  timeUs,
});

describe('the same flow in two namespaces', () => {
  const handshake = [sent(0, Syn, 100), received(1, Syn | Ack, 500), sent(2, Ack, 101)];

  test('a connection is counted once, in the namespace that saw it first', () => {
    const table = create();
    feedIn(table, 1, handshake);
    feedIn(table, 0, [...handshake, sent(3, Ack, 101)]);
    assert.deepEqual(after(table), ['101 3/1 +3 forced']);
  });

  test('a retransmission is two packets, in however many places it is seen', () => {
    const table = create();
    const again = [...handshake, sent(3, Ack, 101), sent(900, Ack, 101)];
    for (const netns of [1, 0, 2]) feedIn(table, netns, again);
    assert.deepEqual(after(table), ['101 4/1 +10 forced']);
  });

  test('interfaces with one number in two namespaces are two places', () => {
    const table = create();
    const at = (ifindex: number): TestPacket[] => [datagram(0, 9, { ifindex }), datagram(1, 9, { ifindex })];
    feedIn(table, 1, at(2));
    feedIn(table, 0, [...at(2), ...at(3)]);
    assert.deepEqual(after(table), ['101 2/0 +4 forced']);
  });

  test('datagrams join by their first packet, and their answers with them', () => {
    const table = create();
    feedIn(table, 1, [datagram(0, 9), answer(5, 9), datagram(7, 9)]);
    feedIn(table, 0, [datagram(1, 9), answer(4, 9), datagram(8, 9)]);
    assert.deepEqual(after(table), ['101 2/1 +3 forced']);
  });

  test('an answer that was seen first in the other namespace joins, too', () => {
    const table = create();
    feedIn(table, 0, [answer(4, 9)]);
    feedIn(table, 1, [answer(5, 9), datagram(7, 9)]);
    feedIn(table, 0, [datagram(8, 9)]);
    assert.deepEqual(after(table), ['100 1/1 +2 forced']);
  });

  test('a connection older than the capture joins when its sequence numbers agree', () => {
    const table = create();
    feedIn(table, 0, [sent(0, Ack, 0xffff_ff00), received(1, Ack, 7), sent(2, Ack, 500)]);
    feedIn(table, 1, [sent(3 * SEC, Ack, 600)]);
    feedIn(table, 2, [received(3 * SEC, Ack, 30 << 20)]);
    assert.deepEqual(after(table), ['100 2/1 +1 forced', '102 1/0 +0 forced']);
  });

  test('the end of a connection is seen in either namespace, and late packets of both join it', () => {
    const table = create();
    feedIn(table, 1, handshake);
    feedIn(table, 0, [...handshake, sent(5, Fin | Ack, 101)]);
    feedIn(table, 1, [sent(4, Fin | Ack, 101), received(6, Fin | Ack, 501), sent(7, Ack, 102)]);
    feedIn(table, 0, [received(6, Fin | Ack, 501), sent(7, Ack, 102)]);
    assert.deepEqual(after(table), ['101 4/2 +6 end-of-flow']);
  });

  test('the next connection on the tuple is one flow again', () => {
    const table = create();
    const both = (packets: readonly TestPacket[]): void => {
      for (const netns of [1, 0]) feedIn(table, netns, packets);
    };
    both([...handshake, received(5, Rst)]);
    both([sent(10, Syn, 900), received(11, Syn | Ack, 7), sent(12, Ack, 901)]);
    both([sent(20, Syn, 5000)]);
    assert.deepEqual(after(table), ['101 2/2 +4 end-of-flow', '101 2/1 +3 forced', '101 1/0 +1 forced']);
  });

  test('the idle time-out ends the flow in all namespaces', () => {
    const table = create();
    for (const netns of [1, 0]) feedIn(table, netns, [datagram(0, 9)]);
    for (const netns of [0, 1]) feedIn(table, netns, [datagram(100 * SEC, 9)]);
    assert.deepEqual(after(table), ['101 1/0 +1 idle', '100 1/0 +1 forced']);
  });

  test('new flows are told with the namespace and the interface of their first packet', () => {
    const table = create({ fresh: true });
    feedIn(table, 1, [datagram(0, 9, { ifindex: 4 })]);
    feedIn(table, 0, [datagram(0, 9, { ifindex: 5 }), datagram(0, 10, { ifindex: 6 })]);
    const fresh = table.takeFresh()!;
    assert.deepEqual(
      [fresh.count, fresh.netns.slice(0, 2), fresh.ifindex.slice(0, 2), fresh.key[0]! >>> 16],
      [2, Float64Array.of(101, 100), Uint32Array.of(4, 6), 0],
    );
  });

  test('the key of a row has no namespace', () => {
    const table = create();
    feedIn(table, 7, [datagram(0, 9)]);
    const rows = table.flush(Infinity);
    assert.deepEqual([rows.netns[0], rows.key[0]], [107, (4 << 8) | 17]);
  });
});

describe('the same tuple of different hosts', () => {
  test('connections with other sequence numbers are two flows', () => {
    const table = create();
    for (const netns of [1, 2]) {
      feedIn(table, netns, [sent(0, Syn, netns * 1000), received(1, Syn | Ack, 5), sent(2, Ack, netns * 1000 + 1)]);
    }
    feedIn(table, 1, [sent(3, Ack, 1001)]);
    assert.deepEqual(after(table), ['101 3/1 +0 forced', '102 2/1 +0 forced']);
  });

  test('datagrams with another content, or at another time, are two flows', () => {
    const table = create();
    const say = (netns: number, timeUs: number, payload: number): void => {
      const bytes = ethernet(ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }, udp({ src: 9, dst: 53, payload })));
      feedIn(table, netns, [{ bytes, timeUs }]);
    };
    say(1, 0, 8);
    say(2, 1, 9);
    say(3, 2 * SEC, 8);
    assert.deepEqual(after(table), ['101 1/0 +0 forced', '102 1/0 +0 forced', '103 1/0 +0 forced']);
  });

  test('loopback and link-local addresses are others in each namespace', () => {
    const table = create();
    for (const netns of [0, 1]) {
      feedIn(table, netns, [
        network(0, '127.0.0.1', '127.0.0.1', [1, 2]),
        network(0, '::1', '::1', [1, 2]),
        network(0, 'fe80::1', 'fe80::2', [1, 2]),
        network(0, '10.0.0.1', '10.0.0.1', [1, 2]),
      ]);
    }
    assert.deepEqual(after(table), [
      ...['100 1/0 +0 forced', '100 1/0 +0 forced', '100 1/0 +0 forced', '100 1/0 +1 forced'],
      ...['101 1/0 +0 forced', '101 1/0 +0 forced', '101 1/0 +0 forced'],
    ]);
  });

  test('a connection that has become another one in one namespace leaves the flow of the other one alone', () => {
    const table = create();
    const begin = [sent(0, Syn, 100), received(1, Syn | Ack, 500), sent(2, Ack, 101)];
    for (const netns of [1, 0]) feedIn(table, netns, begin);
    feedIn(table, 0, [sent(10, Syn, 900), sent(11, Ack, 901)]);
    feedIn(table, 1, [sent(12, Ack, 102)]);
    assert.deepEqual(after(table), ['101 3/1 +3 forced', '100 2/0 +0 forced']);
  });
});

test('flows take their aliases with them when there is no room', () => {
  const table = create({ capacity: 4 });
  for (let port = 0; port < 50; port++) {
    for (const netns of [2, 1, 0]) feedIn(table, netns, [datagram(port, port)]);
  }
  const rows = rowsOf(table.flush(Infinity));
  assert.equal(rows.length, 50);
  assert.ok(rows.every(({ packets, duplicates }) => packets[0] === 1 && duplicates[0] === 2));
});

test('a segment that is sent again with other options is the same connection', () => {
  const table = create();
  const syn = (payload: number): TestPacket => ({
    bytes: ethernet(ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }, tcp({ src: 5, dst: 6, flags: Syn, seq: 9, payload }))),
  });
  feedIn(table, 0, [syn(0)]);
  feedIn(table, 1, [syn(4)]);
  assert.deepEqual(after(table), ['100 1/0 +1 forced']);
});
