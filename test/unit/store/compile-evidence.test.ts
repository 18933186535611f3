import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileEvidence } from '../../../src/store/compile-evidence.ts';
import { Reader } from '../../../src/store/reader.ts';
import { rowsOf, withDatabase } from '../../support/database.ts';
import { type EndLiteral, NOON, processRow, SECOND, tick } from '../../support/ticks.ts';

const one = processRow(1, { pid: 1, comm: 'a', exe: '/a' });
const named = { process: 1, program: 1, holders: 1 } as const;
const local: EndLiteral['reason'] = 'not-local';
const TICK = tick({
  programs: [one.program],
  processes: [one.row],
  flows: [1, 2, 3, 4].map((serial) => ({
    serial,
    tuple: `tcp 10.0.0.1:${serial} > 10.0.0.2:80`,
    firstUs: NOON + serial * SECOND,
    orig: [1, 1, 10] as const,
    reply: [2, 2, 20 * serial] as const,
  })),
  ends: [
    { serial: 1, side: 'src', ...named, source: 'diag', match: 'five-tuple' },
    { serial: 1, side: 'dst', ...named, source: 'bpf', match: 'cookie' },
    { serial: 2, side: 'src', ...named, source: 'diag', match: 'five-tuple', gapUs: 5 },
    { serial: 2, side: 'dst', reason: local },
    { serial: 3, side: 'src', ...named, source: 'diag', match: 'five-tuple', gapUs: 7 },
    { serial: 3, side: 'dst', reason: local },
    { serial: 4, side: 'src', reason: 'no-socket' },
    { serial: 4, side: 'dst', reason: local },
  ],
});

function ask(path: string, filter = {}) {
  const reader = Reader.open(path);
  const rows = reader.all(compileEvidence(filter));
  reader.close();
  return rows;
}

test('compileEvidence() adds ends with a process up by source, match and confidence', () => {
  withDatabase([TICK], (path) => {
    assert.deepEqual(ask(path).map(Object.values), [
      ['diag', 'five-tuple', 'likely', 2, 6, 120, 7],
      ['bpf', 'cookie', 'exact', 1, 3, 30, 0],
      ['diag', 'five-tuple', 'exact', 1, 3, 30, 0],
    ]);
    assert.deepEqual(ask(path, { untilUs: NOON + 2 * SECOND }).length, 2);
  });
});

test('compileEvidence() has the confidences of the view endpoint', () => {
  withDatabase([TICK], (path) => {
    const view = rowsOf(
      path,
      `SELECT source, match, confidence, count(*) AS ends FROM endpoint WHERE process IS NOT NULL GROUP BY 1, 2, 3`,
    );
    const key = (row: Record<string, unknown>) => `${row.source} ${row.match} ${row.confidence} ${row.ends}`;
    assert.deepEqual(ask(path).map(key).sort(), view.map(key).sort());
  });
});
