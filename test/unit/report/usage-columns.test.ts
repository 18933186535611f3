import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utcZone } from '../../../src/report/local-time.ts';
import { usageColumns } from '../../../src/report/usage-columns.ts';

test('usageColumns() tells users apart also where no program is known', () => {
  const name = usageColumns('process', utcZone).find((column) => column.name === 'name')!;
  const called = (user: string | null, uid: number | null = null) =>
    name.cell({ exe: null, user, uid, unit: null, container: null, reason: null });
  assert.deepEqual(
    [called('root', 0), called('nobody'), called(null, 0), called(null)],
    ['(unknown) root', '(unknown) nobody', '(unknown) uid 0', '(unknown)'],
  );
});
