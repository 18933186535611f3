import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FlowStore } from '../../../src/store/flow-store.ts';
import type { Keep } from '../../../src/store/retention.ts';
import { OPTIONS, rowsOf, withFolder } from '../../support/database.ts';
import { INFO, NOON, processRow, SECOND, type SocketLiteral, tick } from '../../support/ticks.ts';

const DAY = 86_400 * SECOND;
const FOREVER: Keep = { flows: null, sockets: null, minute: null, hour: null, day: null, maxBytes: null };
const NOW = NOON + 11 * DAY;
const PEOPLE = [1, 2].map((id) => processRow(id, { pid: id }));

/** The n-th socket ends `days[n]` days after NOON; a process of the first day has them. */
const socketsOf = (days: readonly number[]): SocketLiteral[] =>
  days.map((day, i) => ({
    ...{ id: i + 1, tuple: `tcp 10.0.0.1:${1 + (i % 65_535)} > 11.0.0.${i % 200}:443`, process: 1 },
    fromUs: NOON + day * DAY,
  }));

function withStore(sockets: readonly SocketLiteral[], work: (path: string, store: FlowStore) => void): void {
  withFolder((folder) => {
    const path = join(folder, 'sockets.db');
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(INFO);
    const [processes, programs] = [PEOPLE.map(({ row }) => row), PEOPLE.map(({ program }) => program)];
    const holders = sockets.map(({ id }) => ({ socket: id, process: 2 }));
    store.write(tick({ sockets, holders, processes, programs }));
    work(path, store);
    store.close();
  });
}

function prune(store: FlowStore, keep: Partial<Keep>): void {
  let ms = 0;
  while (store.prune({ ...FOREVER, ...keep }, NOW, () => ms++, 3));
}

const idsOf = (path: string) => rowsOf(path, 'SELECT id FROM socket ORDER BY id').map(({ id }) => id);

test('the history of sockets has an age of its own, and says since when it is complete', () => {
  withStore(socketsOf([0, 5, 10]), (path, store) => {
    prune(store, { flows: DAY, sockets: 8 * DAY });
    assert.deepEqual(idsOf(path), [2, 3]);
    assert.deepEqual(rowsOf(path, 'SELECT socket FROM holder ORDER BY socket'), [{ socket: 2 }, { socket: 3 }]);
    assert.deepEqual(rowsOf(path, "SELECT from_us FROM kept WHERE what = 'sockets'"), [{ from_us: NOON + 1 }]);
    prune(store, { flows: DAY });
    assert.deepEqual(idsOf(path), [2, 3], 'forever');
  });
});

test('sockets stay as long as flows may point at them, and without flows as long as asked for', () => {
  const flow = { serial: 1, tuple: 'tcp 10.0.0.1:1 > 11.0.0.0:443', firstUs: NOON + 5 * DAY, end: 'idle' as const };
  withStore(socketsOf([0, 5, 10]), (path, store) => {
    const processes = [{ ...PEOPLE[0]!.row, lastUs: flow.firstUs }];
    store.write(tick({ processes, flows: [flow], ends: [{ serial: 1, side: 'src', process: 1, socket: 2 }] }));
    prune(store, { flows: 7 * DAY, sockets: 3600 * SECOND });
    assert.deepEqual(idsOf(path), [2, 3]);
    assert.deepEqual(rowsOf(path, 'PRAGMA foreign_key_check(flow)'), []);
  });
  withStore(socketsOf([0, 5, 10]), (path, store) => {
    prune(store, { flows: 7 * DAY, sockets: 3 * DAY });
    assert.deepEqual(idsOf(path), [3]);
  });
});

test('a recorder looks no further than to sockets that began long after; sockets that live on do not hide others', () => {
  const days = [...new Array<number>(2500).fill(0), ...new Array<number>(2500).fill(10), 0];
  const sockets = socketsOf(days).map((one) => (one.id <= 1100 ? { ...one, toUs: NOW } : one));
  withStore(sockets, (path, store) => {
    const left = () => rowsOf(path, 'SELECT count(*) AS n FROM socket')[0]!.n;
    prune(store, { sockets: 3 * DAY });
    assert.equal(left(), 1100 + 2500 + 1, 'the last one was read from an old file');
    store.endCapture(NOW);
    prune(store, { sockets: 3 * DAY });
    assert.equal(left(), 1100 + 2500);
  });
});

test('a database of sockets alone shrinks to its size too, the oldest first', () => {
  withStore(socketsOf(Array.from({ length: 12_000 }, (_, i) => (i * 10) / 12_000)), (path, store) => {
    prune(store, { maxBytes: 1e6 });
    const ids = idsOf(path);
    assert.ok(ids.length > 1000 && ids.length < 11_500, `${ids.length} of 12000 left`);
    assert.deepEqual([ids[0], ids.at(-1)], [12_001 - ids.length, 12_000]);
    store.endCapture(NOW);
    prune(store, { maxBytes: 1e6 });
    store.close();
    assert.ok(statSync(path).size <= 1e6, `${statSync(path).size}`);
  });
});
