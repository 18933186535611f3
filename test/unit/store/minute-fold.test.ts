import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileUsage } from '../../../src/store/compile-usage.ts';
import { FlowStore } from '../../../src/store/flow-store.ts';
import { Reader } from '../../../src/store/reader.ts';
import type { GroupBy } from '../../../src/store/usage-groups.ts';
import { END_OF_TIME, segmentsOf } from '../../../src/store/usage-plan.ts';
import { OPTIONS, rowsOf, withFolder } from '../../support/database.ts';
import { brokenRules } from '../../support/rollups.ts';
import { INFO, NOON, processRow, SECOND, tick } from '../../support/ticks.ts';

const MINUTE = 60 * SECOND;
const { row, program } = processRow(1, { pid: 1, exe: '/bin/a' });

/** A named flow of one packet in each of these minutes after NOON, a tick each. */
function record(store: FlowStore, minutes: readonly number[], serial = 1): void {
  for (const [i, minute] of minutes.entries()) {
    const flow = { serial: serial + i, tuple: 'tcp 10.0.0.1:40000 > 8.8.8.8:443', firstUs: NOON + minute * MINUTE };
    const end = { serial: flow.serial, side: 'src', process: 1, program: 1 } as const;
    store.write(tick({ programs: [program], processes: [row], flows: [flow], ends: [end] }));
  }
}

function usageOf(path: string, groupBy: GroupBy, coarsest: 'minute' | 'day'): number[] {
  const reader = Reader.open(path);
  try {
    const kept = { minute: 0, hour: 0, day: 0 };
    const segments = segmentsOf({ fromUs: 0, toUs: END_OF_TIME }, kept, coarsest);
    const order = { by: 'total', direction: 'desc' } as const;
    return reader
      .all(compileUsage({ filter: {}, groupBy, segments, order, limit: null }))
      .map(({ flows }) => Number(flows));
  } finally {
    reader.close();
  }
}

const unfolded = (path: string) =>
  rowsOf(path, 'SELECT bucket_us FROM unfolded').map(({ bucket_us }) => (Number(bucket_us) - NOON) / MINUTE);

test('minutes are added to hours, days and programs once two later ones have begun, and usage never misses one', () => {
  withFolder((folder) => {
    const path = join(folder, 'a.db');
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(INFO);
    for (const [count, minute] of [0, 1, 2, 61].entries()) {
      record(store, [minute], count + 1);
      for (const groupBy of ['process', 'port'] as const)
        for (const coarsest of ['minute', 'day'] as const)
          assert.deepEqual(usageOf(path, groupBy, coarsest), [count + 1], `${groupBy} by ${coarsest}`);
      assert.deepEqual(brokenRules(path), []);
    }
    assert.deepEqual(unfolded(path), [2, 61]);
    assert.deepEqual(rowsOf(path, 'SELECT bucket_us, flows FROM traffic_hour'), [{ bucket_us: NOON, flows: 2 }]);
    store.endCapture(NOON + 62 * MINUTE);
    store.close();
    assert.deepEqual(unfolded(path), []);
    assert.deepEqual(brokenRules(path), []);
  });
});

test('a recorder that died leaves open minutes, which the next one closes', () => {
  withFolder((folder) => {
    const path = join(folder, 'killed.db');
    const killed = FlowStore.open(path, OPTIONS);
    killed.beginCapture(INFO);
    record(killed, [0, 1]);
    killed.close(); // without endCapture()
    assert.deepEqual(unfolded(path), [0, 1]);
    const next = FlowStore.open(path, OPTIONS);
    next.beginCapture(INFO);
    record(next, [1, 30]);
    assert.deepEqual(usageOf(path, 'process', 'day'), [4]);
    assert.deepEqual(brokenRules(path), []);
    next.endCapture(NOON + 31 * MINUTE);
    next.close();
    assert.deepEqual([unfolded(path), usageOf(path, 'remote', 'day'), brokenRules(path)], [[], [4], []]);
  });
});

test('a minute that comes back after it was closed is added to every level at once', () => {
  withFolder((folder) => {
    const path = join(folder, 'back.db');
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(INFO);
    record(store, [5, 6, 7, 5, 1]);
    assert.deepEqual(unfolded(path), [6, 7]);
    assert.deepEqual(rowsOf(path, 'SELECT sum(flows) AS flows FROM program_day'), [{ flows: 3 }]);
    assert.deepEqual([usageOf(path, 'exe', 'day'), brokenRules(path)], [[5], []]);
    store.close();
  });
});
