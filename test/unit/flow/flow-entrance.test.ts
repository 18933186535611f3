/** Packets on both sides of address translation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FlowColumns } from '../../../src/core/flow.ts';
import { FlowTable, type FlowTableOptions } from '../../../src/flow/flow-table.ts';
import { feedIn, rowsOf } from '../../support/flows.ts';
import { ethernet, ipv4, TcpFlag, type TestPacket, tcp, udp } from '../../support/packets.ts';
import { receives, sends, socketEvents, translation, tupleKey } from '../../support/socket-events.ts';

const { Syn, Ack, Rst } = TcpFlag;
const [VETH, BRIDGE, UPLINK] = [5, 4, 2];
const CONTAINER = 1; // index of its namespace

function create(options: FlowTableOptions = {}): FlowTable {
  return new FlowTable({ netnsInode: (index) => 100 + index, netnsIndex: (inode) => inode - 100, ...options });
}

const split = (end: string): [address: string, port: number] => [end.split(':')[0]!, Number(end.split(':')[1])];

function segment(src: string, dst: string, ifindex: number, timeUs: number, flags: number, seq = 0): TestPacket {
  const [[from, port], [to, toPort]] = [split(src), split(dst)];
  return {
    bytes: ethernet(ipv4({ src: from, dst: to }, tcp({ src: port, dst: toPort, flags, seq }))),
    ifindex,
    timeUs,
  };
}

function say(src: string, dst: string, ifindex: number, timeUs = 0): TestPacket {
  const [[from, port], [to, toPort]] = [split(src), split(dst)];
  return { bytes: ethernet(ipv4({ src: from, dst: to }, udp({ src: port, dst: toPort }))), ifindex, timeUs };
}

const show = (columns: FlowColumns): string[] =>
  rowsOf(columns).map(
    ({ tuple, nat, packets, duplicates }) => `${tuple} -> ${nat ?? 'as it is'}: ${packets.join('/')} +${duplicates[0]}`,
  );
const after = (table: FlowTable): string[] => show(table.flush(Infinity));

function translate(table: FlowTable, protocol: number, original: [string, string], translated: [string, string]): void {
  table.noteTranslations(translation(tupleKey(protocol, ...original), tupleKey(protocol, ...translated)), 100);
}

describe('a masqueraded flow', () => {
  const [inside, outside, server] = ['172.17.0.2:40000', '192.0.2.1:61000', '198.51.100.7:443'];
  const said = `6 ${inside} ${server} -> 6 ${outside} ${server}`;

  /** What the host's `any` sees of a SYN, its answer and an acknowledgement. */
  const onHost = (timeUs = 0): TestPacket[] => [
    ...[VETH, BRIDGE].map((ifindex) => segment(inside, server, ifindex, timeUs, Syn, 100)),
    segment(outside, server, UPLINK, timeUs + 1, Syn, 100),
    segment(server, outside, UPLINK, timeUs + 2, Syn | Ack, 500),
    ...[BRIDGE, VETH].map((ifindex) => segment(server, inside, ifindex, timeUs + 3, Syn | Ack, 500)),
    ...[VETH, BRIDGE].map((ifindex) => segment(inside, server, ifindex, timeUs + 4, Ack, 101)),
    segment(outside, server, UPLINK, timeUs + 5, Ack, 101),
  ];
  const inContainer = [
    segment(inside, server, 2, 0, Syn, 100),
    segment(server, inside, 2, 3, Syn | Ack, 500),
    segment(inside, server, 2, 4, Ack, 101),
  ];

  test('a packet on veth, bridge and uplink counts once, under the tuple of the container', () => {
    const table = create();
    translate(table, 6, [inside, server], [outside, server]);
    feedIn(table, 0, onHost());
    assert.deepEqual(after(table), [`${said}: 2/1 +6`]);
  });

  for (const [order, sees] of [
    ['before', [CONTAINER, 0]],
    ['after', [0, CONTAINER]],
  ] as const) {
    test(`it counts once when the container itself is captured and read ${order} the host`, () => {
      const table = create();
      translate(table, 6, [inside, server], [outside, server]);
      for (const netns of sees) feedIn(table, netns, netns === 0 ? onHost() : inContainer);
      assert.deepEqual(after(table), [`${said}: 2/1 +9`]);
    });
  }

  test('a capture of the uplink alone shows the tuple of the container', () => {
    const table = create();
    translate(table, 6, [inside, server], [outside, server]);
    feedIn(
      table,
      0,
      onHost().filter(({ ifindex }) => ifindex === UPLINK),
    );
    assert.deepEqual(after(table), [`${said}: 2/1 +0`]);
  });

  test('an answer that comes first stands in the direction of the connection', () => {
    const table = create();
    translate(table, 6, [inside, server], [outside, server]);
    feedIn(table, 0, [segment(server, outside, UPLINK, 0, Syn | Ack, 500), segment(inside, server, VETH, 1, Ack, 101)]);
    assert.deepEqual(after(table), [`${said}: 1/1 +0`]);
  });

  test('a translation that is known late counts as late, and holds from the next packet on', () => {
    const table = create();
    feedIn(table, 0, onHost());
    translate(table, 6, [inside, server], [outside, server]);
    assert.equal(table.counts.late, 1);
    feedIn(table, 0, [segment(inside, server, VETH, 10, Ack, 101), segment(outside, server, UPLINK, 11, Ack, 101)]);
    assert.deepEqual(after(table), [`${said}: 3/1 +4`, `6 ${outside} ${server} -> as it is: 2/1 +0`]);
  });

  test('a translation that is known after a row was sent is told with the next drain', () => {
    const table = create();
    feedIn(
      table,
      0,
      onHost().filter(({ ifindex }) => ifindex !== UPLINK),
    );
    table.drain(100);
    translate(table, 6, [inside, server], [outside, server]);
    assert.deepEqual(show(table.drain(200)), [`${said}: 2/1 +3`]);
  });

  test('a translation that is known after the flow was told as ended is not told', () => {
    const table = create({ activeUs: 10e6 });
    feedIn(
      table,
      0,
      onHost().filter(({ ifindex }) => ifindex !== UPLINK),
    );
    assert.equal(table.drain(20e6).count, 1);
    translate(table, 6, [inside, server], [outside, server]);
    assert.deepEqual([table.drain(30e6).count, table.flush(40e6).count], [0, 0]);
  });

  test('the next connection of a translated tuple is a flow of its own', () => {
    const table = create();
    translate(table, 6, [inside, server], [outside, server]);
    feedIn(table, 0, [...onHost(), segment(server, outside, UPLINK, 10, Rst), segment(server, inside, VETH, 11, Rst)]);
    feedIn(table, 0, [segment(outside, server, UPLINK, 20, Syn, 900), segment(inside, server, VETH, 21, Syn, 900)]);
    assert.deepEqual(after(table), [`${said}: 2/2 +7`, `${said}: 1/0 +1`]);
  });

  test('a translation that is over leaves the next flow of the tuple alone', () => {
    const table = create();
    translate(table, 6, [inside, server], [outside, server]);
    table.noteTranslations(translation(tupleKey(6, inside, server), tupleKey(6, outside, server), true), 100);
    feedIn(table, 0, [segment(outside, server, UPLINK, 0, Syn, 100)]);
    assert.deepEqual(after(table), [`6 ${outside} ${server} -> as it is: 1/0 +0`]);
  });

  test("what the recorder's namespace translates is the same flow in a namespace behind it, in any order", () => {
    const behind = [segment(outside, server, UPLINK, 0, Syn, 100)];
    const first = create();
    translate(first, 6, [inside, server], [outside, server]);
    feedIn(first, 2, behind);
    feedIn(first, 0, onHost());
    assert.deepEqual(after(first), [`${said}: 2/1 +7`]);
  });

  test('sockets are found by either tuple', () => {
    const table = create();
    translate(table, 6, [inside, server], [outside, server]);
    const own = sends(7, tupleKey(6, inside, server), 0, { netns: 100 + CONTAINER });
    table.noteSockets(socketEvents([own, receives(8, tupleKey(6, server, outside), 2, { netns: 100 })]));
    feedIn(table, CONTAINER, inContainer);
    feedIn(table, 0, onHost());
    assert.deepEqual(
      rowsOf(table.flush(Infinity)).map(({ cookies }) => cookies),
      [[7, 8]],
    );
  });

  test('a table without room for both tuples counts every packet all the same', () => {
    const table = create({ capacity: 1 });
    translate(table, 6, [inside, server], [outside, server]);
    feedIn(table, 0, onHost());
    const sum = rowsOf(table.flush(Infinity)).reduce(
      (n, row) => n + row.packets[0] + row.packets[1] + row.duplicates[0],
      0,
    );
    assert.equal(sum, onHost().length);
  });
});

describe('a flow to a translated destination', () => {
  const [client, outside, inside] = ['203.0.113.9:5000', '192.0.2.1:8080', '172.17.0.2:80'];

  test('datagrams to a published port count once, under the address that the client knows', () => {
    const table = create();
    translate(table, 17, [client, outside], [client, inside]);
    feedIn(table, 0, [say(client, outside, UPLINK), say(client, inside, BRIDGE, 1), say(client, inside, VETH, 2)]);
    feedIn(table, 0, [say(inside, client, VETH, 3), say(outside, client, UPLINK, 4)]);
    assert.deepEqual(after(table), [`17 ${client} ${outside} -> 17 ${client} ${inside}: 1/1 +3`]);
  });

  test('the namespace of the server sees only the translated tuple, and joins', () => {
    const table = create();
    translate(table, 17, [client, outside], [client, inside]);
    feedIn(table, 0, [say(client, outside, UPLINK), say(client, inside, BRIDGE, 1)]);
    feedIn(table, CONTAINER, [say(client, inside, 2, 3), say(inside, client, 2, 4)]);
    feedIn(table, 0, [say(inside, client, BRIDGE, 5), say(outside, client, UPLINK, 6)]);
    assert.deepEqual(after(table), [`17 ${client} ${outside} -> 17 ${client} ${inside}: 1/1 +4`]);
  });

  test('a port that is redirected to a local one has both tuples, though only one is on the wire', () => {
    const table = create();
    translate(table, 17, [client, outside], [client, '192.0.2.1:80']);
    feedIn(table, 0, [say(outside, client, UPLINK), say(client, outside, UPLINK, 1)]);
    assert.deepEqual(after(table), [`17 ${outside} ${client} -> 17 192.0.2.1:80 ${client}: 1/1 +0`]);
  });

  test('source and destination may both be translated', () => {
    const table = create();
    translate(table, 17, [client, outside], ['172.17.0.1:7000', inside]);
    feedIn(table, 0, [say('172.17.0.1:7000', inside, VETH), say(inside, '172.17.0.1:7000', VETH, 1)]);
    feedIn(table, 0, [say(client, outside, UPLINK, 2), say(outside, client, UPLINK, 3)]);
    assert.deepEqual(after(table), [`17 ${client} ${outside} -> 17 172.17.0.1:7000 ${inside}: 1/1 +2`]);
  });
});
