import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HistoryEvents } from '../../../../src/app/read/history-events.ts';
import { SocketEvent, SocketFlag } from '../../../../src/core/socket.ts';
import { K_PORTS, KEY_WORDS, packPorts } from '../../../../src/core/tuple.ts';

const keyWith = (local: number, remote: number): Int32Array => {
  const key = new Int32Array(KEY_WORDS);
  key[K_PORTS] = packPorts(local, remote);
  return key;
};

test('events of many sockets come in the order of their times, each once', () => {
  const times = fc.array(fc.tuple(fc.nat(1000), fc.array(fc.nat(1000), { maxLength: 3 }), fc.nat(1000)));
  fc.assert(
    fc.property(times, fc.nat(2000), (sockets, until) => {
      const events = new HistoryEvents();
      const all = sockets.flatMap(([from, handed, life], i) => {
        const turns = handed.map((after) => from + after);
        const told = turns.map((atUs) => ({ atUs, edge: 0, sequence: 0 }));
        events.add(keyWith(40_000, 80), i + 1, from, told, from + life);
        return [from, ...turns, from + life];
      });
      const early = events.take(until)?.atUs.subarray(0, all.filter((at) => at <= until).length) ?? [];
      const late = events.take(Infinity);
      const told = [...early, ...(late?.atUs.subarray(0, late.count) ?? [])];
      assert.deepEqual(
        told,
        all.sort((a, b) => a - b),
      );
    }),
  );
});

test('who has the greater port is taken for the one that sends first', () => {
  const events = new HistoryEvents();
  events.add(keyWith(40_000, 80), 1, 10, [{ atUs: 20, edge: SocketFlag.SentFrom, sequence: 77 }], 30);
  events.add(keyWith(80, 40_000), 2, 11, [], 31);
  const told = events.take(25)!;
  assert.deepEqual([...told.kind.subarray(0, told.count)], [SocketEvent.Seen, SocketEvent.Seen, SocketEvent.Owner]);
  assert.deepEqual([...told.cookie.subarray(0, told.count)], [1, 2, 1]);
  assert.deepEqual([...told.flags.subarray(0, 3)], [SocketFlag.Outgoing, 0, SocketFlag.SentFrom]);
  assert.equal(told.sequence[2], 77);
  assert.equal(events.take(25), undefined);
});
