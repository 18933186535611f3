import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { makeWho } from '../../../../src/cli/commands/who.ts';
import { testContext } from '../../../support/context.ts';
import { withDatabase } from '../../../support/database.ts';
import { NOON, SECOND, tick } from '../../../support/ticks.ts';

const TICK = tick({
  flows: [0, 60].map((seconds, i) => ({
    ...{ serial: i + 1, tuple: 'tcp 10.0.0.1:1 > 10.0.0.2:2', firstUs: NOON + seconds * SECOND },
  })),
});

function ask(...words: string[]) {
  const context = testContext();
  const command = new Command('pcapid').addCommand(makeWho()(context)); // answers from the database only
  withDatabase([TICK], (path) => command.parse(['who', ...words, '--db', path], { from: 'user' }));
  return context;
}

test('who needs no connection where a time is given', () => {
  const at = (seconds: number) => ask('--at', `@${NOON / SECOND + seconds}`, '--format', 'ndjson');
  assert.deepEqual(
    [0, 60].map((seconds) => JSON.parse(at(seconds).stdout()).flow_id),
    [1, 2],
  );
  assert.deepEqual([at(30).stdout(), at(30).exitCode], ['', 1]);
});

test('who says what to write where neither a connection nor a time is given', () => {
  assert.throws(() => ask(), { code: 'no-tuple', hint: /who --at/ });
});
