import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../../src/core/errors.ts';
import { compileFlows } from '../../../src/store/compile-query.ts';
import { compileUsage } from '../../../src/store/compile-usage.ts';
import { FlowStore } from '../../../src/store/flow-store.ts';
import { Reader } from '../../../src/store/reader.ts';
import { OPTIONS, withDatabase, withFolder } from '../../support/database.ts';
import { HOSTILE_TEXTS } from '../../support/hostile.ts';
import { INFO, processRow, tick } from '../../support/ticks.ts';

const FLOWS = compileFlows({}, { by: 'first', direction: 'desc' }, null);

test('Reader reads while a recorder writes', () => {
  withFolder((folder) => {
    const path = `${folder}/a.db`;
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(INFO);
    const reader = Reader.open(path);
    assert.equal(reader.all(FLOWS).length, 0);
    store.write(tick({ flows: [{ serial: 1, tuple: 'udp 1.1.1.1:1 > 2.2.2.2:2' }] }));
    assert.equal(reader.all(FLOWS).length, 1);
    reader.close();
    store.close();
  });
});

test('Reader gives hostile names back as they were stored', () => {
  const rows = HOSTILE_TEXTS.map((text, i) =>
    processRow(i + 1, { pid: i + 1, comm: text, exe: text, unit: text, container: text }),
  );
  const one = tick({
    programs: rows.map(({ program }) => program),
    processes: rows.map(({ row }) => row),
    users: HOSTILE_TEXTS.map((name, i) => ({ uid: i, name })),
    flows: rows.map((_, i) => ({ serial: i + 1, tuple: 'udp 1.1.1.1:1 > 2.2.2.2:2' })),
    ends: rows.map((_, i) => ({
      serial: i + 1,
      side: 'src',
      process: i + 1,
      program: i + 1,
      source: 'diag',
      match: 'bound',
      holders: 1,
    })),
  });
  withDatabase([one], (path) => {
    const reader = Reader.open(path);
    for (const [i, text] of HOSTILE_TEXTS.entries()) {
      const [row, ...more] = reader.all(
        compileFlows({ process: text, pid: i + 1 }, { by: 'first', direction: 'asc' }, null),
      );
      assert.deepEqual(
        [row?.src_comm, row?.src_exe, row?.src_unit, row?.src_container, more.length],
        [text, text, text, text, 0],
      );
    }
    reader.close();
  });
});

test('Reader answers with rows or a UserError for a file with any damage, and never crashes', () => {
  const flows = Array.from({ length: 300 }, (_, i) => ({
    serial: i + 1,
    tuple: `udp 1.1.1.1:${i} > 2.2.${i}.2:2`.replace(/\.(2[6-9]\d|299)\./, '.9.'),
  }));
  withDatabase([tick({ flows: flows.filter(({ serial }) => serial < 250) })], (path) => {
    const sound = readFileSync(path);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 30 }),
        fc.option(fc.nat(sound.length)),
        (damages, cut) => {
          const bytes = Buffer.from(sound);
          for (const [at, value] of damages) bytes[at] = value;
          writeFileSync(path, bytes.subarray(0, cut ?? bytes.length));
          try {
            const reader = Reader.open(path);
            try {
              reader.all(FLOWS);
              const segments = [{ level: 'minute', fromUs: 0, toUs: Number.MAX_SAFE_INTEGER }] as const;
              const order = { by: 'total', direction: 'desc' } as const;
              reader.all(compileUsage({ filter: {}, groupBy: 'remote', segments, order, limit: 10 }));
            } finally {
              reader.close();
            }
          } catch (error) {
            assert.ok(error instanceof UserError, String(error));
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

test('Reader says of numbers that no recorder counts that the file is damaged', () => {
  withDatabase([tick()], (path) => {
    const reader = Reader.open(path);
    const sql = `SELECT sum(column1) FROM (VALUES (${2n ** 63n - 1n}), (1))`;
    assert.throws(() => reader.all({ sql, params: [] }), { code: 'damaged-database' });
    reader.close();
  });
});
