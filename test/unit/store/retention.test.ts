import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FlowStore } from '../../../src/store/flow-store.ts';
import type { Keep } from '../../../src/store/retention.ts';
import { OPTIONS, rowsOf, withFolder } from '../../support/database.ts';
import { brokenRules } from '../../support/rollups.ts';
import { type EndLiteral, INFO, NOON, processRow, SECOND, tick } from '../../support/ticks.ts';

const DAY = 86_400 * SECOND;
const FOREVER: Keep = { flows: null, sockets: null, minute: null, hour: null, day: null, maxBytes: null };
const people = [1, 2].map((id) => processRow(id, { pid: id, exe: `/bin/${id}` }));

/** Flows to an address of their own each, the n-th `days[n]` days after NOON; the last one of each day lives on. */
function record(store: FlowStore, days: readonly number[], perDay: number): void {
  store.beginCapture(INFO);
  let serial = 0;
  for (const day of days) {
    const firstUs = NOON + day * DAY;
    const flows = Array.from({ length: perDay }, (_, i) => {
      serial++;
      const tuple = `tcp 10.0.0.1:40000 > 11.${serial >> 16}.${(serial >> 8) & 255}.${serial & 255}:443`;
      return { serial, tuple, firstUs, ...(i === perDay - 1 ? {} : { end: 'idle' as const }) };
    });
    const ends = flows.map(
      (flow): EndLiteral => ({ serial: flow.serial, side: 'src', process: 1, program: 1, socket: day + 1 }),
    );
    const sockets = [{ id: day + 1, tuple: flows[0]!.tuple, process: 1, fromUs: firstUs }];
    const processes = day === 0 ? people.map(({ row }) => row) : [{ ...people[0]!.row, lastUs: firstUs }];
    const programs = day === 0 ? people.map(({ program }) => program) : [];
    store.write(
      tick({ flows, ends, sockets, processes, programs, atUs: firstUs, holders: [{ socket: day + 1, process: 2 }] }),
    );
  }
}

/** @returns how many pieces it took */
function pruneAll(store: FlowStore, keep: Keep, nowUs: number): number {
  let [pieces, ms] = [1, 0];
  while (store.prune(keep, nowUs, () => ms++, 3)) pieces++;
  return pieces;
}

test('prune() deletes ended flows by age, and sockets, holders, processes and addresses that only they had', () => {
  withFolder((folder) => {
    const path = join(folder, 'old.db');
    const store = FlowStore.open(path, OPTIONS);
    record(store, [0, 5, 10], 500);
    assert.ok(
      pruneAll(
        store,
        { ...FOREVER, flows: 4 * DAY, sockets: 4 * DAY, day: 3 * DAY, hour: 3 * DAY, minute: 3 * DAY },
        NOON + 11 * DAY,
      ) > 3,
    );
    store.close();
    const counts = `SELECT (SELECT count(*) FROM flow) AS flows, (SELECT count(*) FROM flow WHERE end_reason IS NULL) AS living,
      (SELECT count(*) FROM socket) AS sockets, (SELECT count(*) FROM holder) AS holders, (SELECT count(*) FROM address) AS addresses`;
    assert.deepEqual(rowsOf(path, counts), [{ flows: 502, living: 3, sockets: 1, holders: 1, addresses: 1 + 502 }]);
    assert.deepEqual(rowsOf(path, 'SELECT pid FROM process'), [{ pid: 1 }]);
    assert.deepEqual(rowsOf(path, "SELECT flows, packets FROM kept WHERE what = 'flows'"), [
      { flows: 998, packets: 998 },
    ]);
    assert.deepEqual(rowsOf(path, 'SELECT count(*) AS days FROM captured_day'), [{ days: 1 }]);
    assert.deepEqual(brokenRules(path), []);
  });
});

test('prune() keeps what is coarse longer: a range is then complete in hours, or in days', () => {
  withFolder((folder) => {
    const path = join(folder, 'coarse.db');
    const store = FlowStore.open(path, OPTIONS);
    record(store, [0, 5, 10], 20);
    pruneAll(store, { ...FOREVER, minute: 2 * DAY, hour: 7 * DAY }, NOON + 11 * DAY);
    store.close();
    const count = ['minute', 'hour', 'day'].map(
      (level) => rowsOf(path, `SELECT count(*) AS n FROM captured_${level}`)[0]?.n,
    );
    assert.deepEqual(count, [1, 2, 3]);
    assert.deepEqual(rowsOf(path, 'SELECT what, from_us FROM kept WHERE from_us > 0 ORDER BY what'), [
      { what: 'hour', from_us: NOON - 13 * 3600 * SECOND + 4 * DAY },
      { what: 'minute', from_us: NOON + 9 * DAY },
    ]);
    assert.deepEqual(brokenRules(path), []);
  });
});

test('a name that comes when the minutes of its flow were deleted changes no counter of them', () => {
  withFolder((folder) => {
    const path = join(folder, 'late.db');
    const store = FlowStore.open(path, OPTIONS);
    record(store, [0], 1); // it lives on
    const laterUs = NOON + 2 * 3600 * SECOND;
    pruneAll(store, { ...FOREVER, minute: 600 * SECOND }, laterUs);
    store.write(tick({ ends: [{ serial: 1, side: 'src', process: 2, program: 2 }], atUs: laterUs }));
    store.close();
    const programs = ['minute', 'hour', 'day'].map((level) => rowsOf(path, `SELECT program FROM program_${level}`));
    assert.deepEqual(programs, [[], [{ program: 1 }], [{ program: 1 }]]);
    assert.deepEqual(rowsOf(path, 'SELECT src_program FROM flow'), [{ src_program: 2 }]);
    assert.deepEqual(brokenRules(path), []);
  });
});

test('what is deleted only in part breaks no rule: it lies before what is kept', () => {
  withFolder((folder) => {
    const path = join(folder, 'part.db');
    const store = FlowStore.open(path, OPTIONS);
    record(store, [0, 5], 500);
    let looks = 0;
    const step = () => store.prune({ ...FOREVER, minute: 2 * DAY, hour: 2 * DAY }, NOON + 6 * DAY, () => looks++, 2);
    while (step()) assert.deepEqual(brokenRules(path), []);
    assert.ok(looks > 10);
    store.close();
    assert.deepEqual(brokenRules(path), []);
  });
});

test('prune() shrinks a file that is too large, the oldest flows first, and the recorder goes on', () => {
  withFolder((folder) => {
    const MOST = 1.6e6; // the days of 9,000 addresses and a schema without rows take 1.5e6
    const path = join(folder, 'large.db');
    const store = FlowStore.open(path, OPTIONS);
    record(store, [0, 5, 10], 3000);
    pruneAll(store, { ...FOREVER, maxBytes: MOST }, NOON + 11 * DAY);
    const after = { serial: 9001, tuple: 'tcp 10.0.0.1:40000 > 11.0.0.1:443', firstUs: NOON + 11 * DAY };
    store.write(
      tick({ flows: [after], ends: [{ serial: 9001, side: 'src', process: 1, program: 1 }], atUs: NOON + 11 * DAY }),
    );
    store.close();
    assert.ok(statSync(path).size <= MOST, `${statSync(path).size}`);
    const [left] = rowsOf(
      path,
      'SELECT count(*) AS flows, count(r.text) AS remotes FROM flow f LEFT JOIN address r ON r.id = f.dst_address',
    );
    assert.ok(Number(left?.flows) > 3 && left?.flows === left?.remotes, JSON.stringify(left));
    assert.deepEqual(brokenRules(path), []);
  });
});

test('prune() without a recorder removes what no flow ever pointed at: sockets, processes, addresses and programs', () => {
  withFolder((folder) => {
    const path = join(folder, 'flowless.db');
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(INFO);
    const [old, kept] = people;
    const sockets = [{ id: 1, tuple: 'tcp 10.0.0.1:22 > 10.9.9.9:5', process: 1, fromUs: NOON }];
    const flow = { serial: 1, tuple: 'tcp 10.0.0.1:1 > 10.0.0.2:2', firstUs: NOON + 9 * DAY, end: 'idle' as const };
    const ends: EndLiteral[] = [{ serial: 1, side: 'src', process: 2, program: 2 }];
    const processes = [old!.row, { ...kept!.row, lastUs: NOON + 9 * DAY }];
    store.write(tick({ programs: people.map(({ program }) => program), processes, sockets, flows: [flow], ends }));
    store.endCapture(NOON + 9 * DAY);
    pruneAll(store, { ...FOREVER, flows: DAY, sockets: DAY }, NOON + 9 * DAY + 3600 * SECOND);
    store.close();
    const left = ['flow', 'socket', 'process', 'program', 'address'].map(
      (table) => rowsOf(path, `SELECT count(*) AS n FROM ${table}`)[0]?.n,
    );
    assert.deepEqual(left, [1, 0, 1, 1, 2]);
    assert.deepEqual(rowsOf(path, 'PRAGMA foreign_key_check'), []);
    assert.deepEqual(brokenRules(path), []);
  });
});
