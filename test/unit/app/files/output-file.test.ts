import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutputFile } from '../../../../src/app/files/output-file.ts';

test('OutputFile does not make a file called - of a wish for standard output', () => {
  assert.throws(() => new OutputFile('-', { force: true }), { code: 'bad-output', hint: /\.\/-/ });
});
