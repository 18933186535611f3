/** A connection on which processes take turns is split at the octet with which the next one begins. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowFlag } from '../../../src/core/flow.ts';
import { FlowTable } from '../../../src/flow/flow-table.ts';
import { feed, noteAndFeed, rowsOf } from '../../support/flows.ts';
import { ethernet, ipv4, TcpFlag, type TestPacket, tcp } from '../../support/packets.ts';
import { handsOver, sends, tupleKey } from '../../support/socket-events.ts';

const MS = 1000;
const HEADERS = 40; // IPv4 and TCP, without options
const client = tupleKey(6, '10.0.0.1:40000', '10.0.0.2:443');
const known = sends(7, client, 0);

/** A segment of the client with `payload` octets from `seq` on. */
function data(timeUs: number, seq: number, payload: number, ifindex = 1): TestPacket {
  const segment = tcp({ src: 40000, dst: 443, flags: TcpFlag.Ack, seq, payload });
  return { bytes: ethernet(ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }, segment)), timeUs, ifindex };
}

function back(timeUs: number, seq = 9000, payload = 0): TestPacket {
  const segment = tcp({ src: 443, dst: 40000, flags: TcpFlag.Ack, seq, payload });
  return { bytes: ethernet(ipv4({ src: '10.0.0.2', dst: '10.0.0.1' }, segment)), timeUs };
}

const syn: TestPacket = {
  bytes: ethernet(
    ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }, tcp({ src: 40000, dst: 443, flags: TcpFlag.Syn, seq: 99 })),
  ),
  timeUs: 1,
  ifindex: 1,
};

/** Octets of payload each way of every flow. */
function octets(table: FlowTable): (readonly [original: number, reply: number])[] {
  return rowsOf(table.flush(Infinity)).map(({ packets, ipBytes }) => [
    ipBytes[0] - packets[0] * HEADERS,
    ipBytes[1] - packets[1] * HEADERS,
  ]);
}

test('what waits for room when another process writes stays with who wrote it, however late it leaves', () => {
  const table = new FlowTable();
  noteAndFeed(table, [known], [syn, data(10, 100, 1000), back(20)]);
  noteAndFeed(table, [handsOver('sent', 3100, 7, client, 2 * MS)], [data(3 * MS, 1100, 1000), back(4 * MS)]);
  noteAndFeed(table, [], [data(900 * MS, 2100, 1000), data(901 * MS, 3100, 500), data(902 * MS, 3600, 500)]);
  assert.deepEqual(octets(table), [
    [3000, 0],
    [1000, 0],
  ]);
});

test('of a segment with octets of both each process gets its own', () => {
  const table = new FlowTable();
  noteAndFeed(table, [known, handsOver('sent', 1500, 7, client, 2 * MS)], [syn, data(10, 100, 1000)]);
  noteAndFeed(table, [], [data(3 * MS, 1100, 1000), data(4 * MS, 2100, 1000)]);
  assert.deepEqual(octets(table), [
    [1400, 0],
    [1600, 0],
  ]);
});

test('what was counted before the call returned is taken back from the process before', () => {
  const table = new FlowTable();
  noteAndFeed(table, [known], [syn, data(10, 100, 1000), data(20, 1100, 1000), data(30, 2100, 1000), back(40)]);
  noteAndFeed(table, [handsOver('sent', 1500, 7, client, 90 * MS)], [data(95 * MS, 3100, 1000)]);
  const counts = table.counts;
  assert.deepEqual(octets(table), [
    [1400, 0],
    [2600, 0],
  ]);
  assert.equal(counts.packets, 6);
});

test('further sightings of the same packets are not taken back twice', () => {
  const table = new FlowTable();
  const both = [10, 20].flatMap((us, n) => [data(us, 100 + n * 1000, 1000), data(us + 1, 100 + n * 1000, 1000, 2)]);
  noteAndFeed(table, [known], [syn, ...both]);
  noteAndFeed(table, [handsOver('sent', 1100, 7, client, 90 * MS)], [data(95 * MS, 2100, 1000)]);
  const [, after] = octets(table);
  assert.deepEqual(after, [2000, 0]);
});

test('sequence numbers wrap', () => {
  const table = new FlowTable();
  const last = 0xffff_ff00;
  noteAndFeed(table, [known], [data(10, last, 100)]);
  noteAndFeed(table, [handsOver('sent', last + 200, 7, client, MS)], [data(2 * MS, last + 100, 400)]);
  noteAndFeed(table, [], [data(3 * MS, 244, 10)]);
  assert.deepEqual(octets(table), [
    [200, 0],
    [310, 0],
  ]);
});

test('a process that takes over to read splits the other direction', () => {
  const table = new FlowTable();
  noteAndFeed(table, [known], [syn, data(10, 100, 10), back(20, 9000, 500)]);
  noteAndFeed(table, [handsOver('received', 9200, 7, client, MS)], [data(2 * MS, 110, 10), back(3 * MS, 9500, 500)]);
  assert.deepEqual(octets(table), [
    [20, 200],
    [0, 800],
  ]);
});

test('a handover of which nothing is seen ends the flow once no more packets come', () => {
  const table = new FlowTable();
  noteAndFeed(table, [known], [syn, data(10, 100, 1000)]);
  noteAndFeed(table, [handsOver('sent', 1100, 7, client, MS)], [back(2 * MS)]);
  assert.deepEqual(
    rowsOf(table.drain(400 * MS)).map(({ end }) => end),
    [null],
  );
  assert.deepEqual(
    rowsOf(table.drain(600 * MS)).map(({ end }) => end),
    ['forced'],
  );
});

test('rows tell when and at which end the sockets of a flow changed hands', () => {
  const table = new FlowTable();
  noteAndFeed(table, [known], [syn, data(10, 100, 1000)]);
  const server = tupleKey(6, '10.0.0.2:443', '10.0.0.1:40000');
  noteAndFeed(table, [handsOver('sent', 1100, 7, client, MS)], [data(2 * MS, 1100, 1000), back(3 * MS, 9000, 5)]);
  noteAndFeed(table, [handsOver('sent', 9005, 8, server, 4 * MS)], [back(5 * MS, 9005, 5)]);
  const rows = table.flush(Infinity);
  const turns = Array.from(rows.serial.subarray(0, rows.count), (serial, i) => {
    const { handedUs, cutUs, flags } = rows;
    const sides = flags[i]! & (FlowFlag.HandedDst | FlowFlag.CutDst);
    return [serial, handedUs[i], cutUs[i], sides];
  });
  assert.deepEqual(turns.sort(), [
    [1, 0, MS, 0],
    [2, MS, 4 * MS, FlowFlag.CutDst],
    [3, 4 * MS, 0, FlowFlag.HandedDst],
  ]);
});

test('rows say until when the octets that wait were written, while they do', () => {
  const table = new FlowTable();
  const cuts = (nowUs: number): readonly (readonly number[])[] => {
    const { serial, handedUs, cutUs, count } = table.drain(nowUs);
    return Array.from(serial.subarray(0, count), (one, i) => [one, handedUs[i]!, cutUs[i]!]).sort();
  };
  noteAndFeed(table, [known], [syn, data(10, 100, 1000), back(20)]);
  const turns = [handsOver('sent', 3100, 7, client, 2 * MS), handsOver('sent', 4100, 7, client, 3 * MS)];
  noteAndFeed(table, turns, [data(4 * MS, 1100, 1000)]);
  assert.deepEqual(cuts(5 * MS), [[1, 0, 2 * MS]]);
  noteAndFeed(table, [], [data(6 * MS, 2100, 1000), data(7 * MS, 3100, 500)]);
  assert.deepEqual(cuts(8 * MS), [
    [1, 0, 2 * MS],
    [2, 2 * MS, 3 * MS],
  ]);
});

test('of a connection that breaks off before the octets of who took it over came, no row says where they begin', () => {
  const table = new FlowTable();
  noteAndFeed(table, [known], [syn, data(10, 100, 1000)]);
  noteAndFeed(table, [handsOver('sent', 3100, 7, client, 2 * MS)], [data(3 * MS, 1100, 1000)]);
  assert.deepEqual([...table.drain(4 * MS).cutUs.subarray(0, 1)], [2 * MS]);
  const reset = tcp({ src: 443, dst: 40000, flags: TcpFlag.Rst, seq: 9000 });
  feed(table, [{ bytes: ethernet(ipv4({ src: '10.0.0.2', dst: '10.0.0.1' }, reset)), timeUs: 5 * MS }]);
  const rows = table.drain(6 * MS);
  assert.deepEqual([rows.count, rows.cutUs[0]], [1, 0]);
});

test('of who takes over to read nothing is foretold: what he reads has come already', () => {
  const table = new FlowTable();
  noteAndFeed(table, [known], [syn, data(10, 100, 10), back(20, 9000, 500)]);
  noteAndFeed(table, [handsOver('received', 9200, 7, client, MS)], [data(2 * MS, 110, 10)]);
  assert.deepEqual([...table.drain(3 * MS).cutUs.subarray(0, 1)], [0]);
});

test('packets before the first event cost no memory of them', () => {
  const table = new FlowTable();
  feed(table, [syn, data(10, 100, 1000), data(20, 1100, 1000)]);
  noteAndFeed(table, [known, handsOver('sent', 1100, 7, client, MS)], [data(2 * MS, 2100, 1000)]);
  assert.deepEqual(octets(table), [
    [2000, 0],
    [1000, 0],
  ]);
});
