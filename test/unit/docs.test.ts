import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

test('every test that docs/attribution.md names for a trap is there', () => {
  const text = readFileSync('docs/attribution.md', 'utf8');
  const names = [...text.matchAll(/`((?:unit|live)\/[^`]+)`/g)].map(([, name]) => name!);
  assert.ok(names.length > 40, `${names.length} names`);
  assert.deepEqual(
    names.filter((name) => !existsSync(join('test', name))),
    [],
  );
});
