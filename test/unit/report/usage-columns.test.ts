import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utcZone } from '../../../src/report/local-time.ts';
import { usageColumns } from '../../../src/report/usage-columns.ts';

test('usageColumns() tells users apart also where no program is known', () => {
  const name = usageColumns('process', utcZone).find((column) => column.name === 'name')!;
  const called = (user: string | null) =>
    name.cell({ exe: null, user, uid: null, unit: null, container: null, reason: null });
  assert.deepEqual(
    [called('root'), called('nobody'), called(null)],
    ['(unknown) root', '(unknown) nobody', '(unknown)'],
  );
});
