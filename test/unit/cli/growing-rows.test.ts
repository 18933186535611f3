import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrowingRows } from '../../../src/cli/growing-rows.ts';
import type { Row } from '../../../src/report/columns.ts';
import type { Format } from '../../../src/report/index.ts';
import { testContext } from '../../support/context.ts';

const column = (name: string) =>
  ({
    name,
    title: name.toUpperCase(),
    align: 'left',
    mayShrink: false,
    cell: (row: Row) => String(row[name]),
  }) as const;
const printing = { available: [column('a'), column('b')], defaults: ['a', 'b'], fields: ['a', 'b'] };

/** What stands there after two prints. */
function printed(format: Format, limit?: number): string[] {
  const context = testContext();
  const rows = new GrowingRows(context, limit === undefined ? { format } : { format, limit }, printing);
  rows.print([{ a: 'long word', b: 1 }]);
  rows.print([]);
  rows.print([
    { a: 'x', b: 2 },
    { a: 'y', b: 3 },
  ]);
  return context.stdout().split(/\r?\n/).slice(0, -1);
}

test('GrowingRows prints titles once and keeps the columns aligned', () => {
  assert.deepEqual(printed('table'), ['A          B', 'long word  1', 'x          2', 'y          3']);
  assert.deepEqual(printed('csv'), ['a,b', 'long word,1', 'x,2', 'y,3']);
});

test('GrowingRows prints one record a line', () => {
  assert.deepEqual(printed('ndjson'), ['{"a":"long word","b":1}', '{"a":"x","b":2}', '{"a":"y","b":3}']);
});

test('GrowingRows stops at the limit', () => {
  assert.deepEqual(printed('table', 2), ['A          B', 'long word  1', 'x          2']);
});
