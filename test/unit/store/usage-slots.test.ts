import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileUsage } from '../../../src/store/compile-usage.ts';
import { Reader } from '../../../src/store/reader.ts';
import { END_OF_TIME, segmentsOf } from '../../../src/store/usage-plan.ts';
import { withDatabase } from '../../support/database.ts';
import { NOON, processRow, SECOND, tick } from '../../support/ticks.ts';

const one = processRow(1, { pid: 1, comm: 'a', exe: '/a' });
const PEOPLE = { programs: [one.program], processes: [one.row] };
const named = { process: 1, program: 1, source: 'diag', match: 'five-tuple', holders: 1 } as const;

test('compileUsage() adds every minute to the slot that it lies in, and slots are whole numbers', () => {
  const minutes = [0, 1, 2, 3, 4, 5, 6, 59];
  const ticks = minutes.map((minute, i) => {
    const firstUs = NOON + minute * 60 * SECOND;
    return tick({
      ...(i === 0 && PEOPLE),
      flows: [
        { serial: i + 1, tuple: `tcp 10.0.0.1:${i + 1} > 10.0.0.2:80`, firstUs, orig: [1, 1, 1], reply: [0, 0, 0] },
      ],
      ends: [
        { serial: i + 1, side: 'src', ...named },
        { serial: i + 1, side: 'dst', reason: 'not-local' },
      ],
      atUs: firstUs,
    });
  });
  withDatabase(ticks, (path) => {
    const reader = Reader.open(path);
    const segments = segmentsOf({ fromUs: 0, toUs: END_OF_TIME }, { minute: 0, hour: 0, day: 0 }, 'minute');
    const slots = { fromUs: NOON, toUs: NOON + 60 * 60 * SECOND, count: 20 };
    const order = { by: 'total', direction: 'desc' } as const;
    const rows = reader.all(compileUsage({ filter: {}, groupBy: 'process', segments, slots, order, limit: null }));
    reader.close();
    const bySlot = rows.map(({ slot, ip_bytes }) => [slot, ip_bytes]).sort(([a], [b]) => Number(a) - Number(b));
    assert.deepEqual(bySlot, [
      [0, 3],
      [1, 3],
      [2, 1],
      [19, 1],
    ]);
  });
});
