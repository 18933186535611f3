import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsOf, withDatabase } from '../../support/database.ts';
import { brokenRules } from '../../support/rollups.ts';
import { type EndLiteral, NOON, processRow, SECOND, tick } from '../../support/ticks.ts';

const { program, row } = processRow(1, { pid: 1, exe: '/bin/1' });
const TUPLE = 'tcp 10.0.0.1:40000 > 8.8.8.8:443';
const evidence = { source: 'diag', match: 'five-tuple', gapUs: 7, holders: 1, netns: 77 } as const;
const SRC: EndLiteral = { serial: 1, side: 'src', process: 1, program: 1, ...evidence };
const DST: EndLiteral = { serial: 1, side: 'dst', reason: 'not-local' };
const flow = { serial: 1, tuple: TUPLE, firstUs: NOON, lastUs: NOON };
const begins = tick({ programs: [program], processes: [row], flows: [flow] });
const ALL = 'SELECT * FROM flow';

test('ends are stored alike whether they come with their flow, after it, or twice', () => {
  withDatabase([{ ...begins, ends: tick({ ends: [SRC, DST] }).ends }], (together) => {
    const want = rowsOf(together, ALL);
    assert.equal(want[0]?.src_gap_us, 7);
    assert.equal(want[0]?.dst_reason, 5);
    assert.deepEqual(brokenRules(together), []);
    const earlier: EndLiteral = { serial: 1, side: 'src', reason: 'no-socket' };
    const others = [
      [begins, tick({ ends: [SRC, DST] })],
      [begins, { ...begins, ends: tick({ ends: [SRC, DST] }).ends }],
      [{ ...begins, ends: tick({ ends: [SRC] }).ends }, tick({ ends: [DST] })],
      [{ ...begins, ends: tick({ ends: [earlier, DST, SRC] }).ends }],
    ];
    for (const ticks of others) {
      withDatabase(ticks, (path) => {
        assert.deepEqual(rowsOf(path, ALL), want);
        assert.deepEqual(brokenRules(path), []);
      });
    }
  });
});

test('a namespace that a flow and its end name for the first time began with the flow', () => {
  const one = tick({ flows: [{ ...flow, netns: 77 }], ends: [SRC], atUs: NOON + 5 * SECOND });
  withDatabase([{ ...begins, flows: one.flows, ends: one.ends, atUs: one.atUs }], (path) => {
    assert.deepEqual(rowsOf(path, 'SELECT from_us FROM netns WHERE inode = 77'), [{ from_us: NOON }]);
  });
});

test('a process was there since its first packet, and before its end, however late it was heard of', () => {
  const { row, program } = processRow(1, { pid: 7 });
  const late = { ...row, firstUs: NOON + 9 * SECOND, lastUs: NOON + 9 * SECOND, exitUs: NOON + 5 * SECOND };
  const flow = { serial: 1, tuple: 'tcp 10.0.0.1:1 > 10.0.0.2:2', firstUs: NOON + 2 * SECOND };
  const named = tick({ programs: [program], processes: [late], ends: [{ serial: 1, side: 'src', process: 1 }] });
  const first = (path: string) => Number(rowsOf(path, 'SELECT first_us FROM process')[0]?.first_us) - NOON;
  withDatabase([tick({ programs: [program], processes: [late] })], (path) => assert.equal(first(path), 5 * SECOND));
  withDatabase([tick({ flows: [flow] }), named], (path) => assert.equal(first(path), 2 * SECOND));
});
