import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printCapture } from '../../../src/cli/record-summary.ts';
import type { CaptureCounters } from '../../../src/core/tick.ts';
import { testContext } from '../../support/context.ts';
import { withDatabase } from '../../support/database.ts';
import { COUNTERS, tick } from '../../support/ticks.ts';

const said = (counters: Partial<CaptureCounters>): string =>
  withDatabase([tick({ counters: { ...COUNTERS, ...counters } })], (path) => {
    const context = testContext();
    printCapture(context, path);
    return context.stderr();
  });

test('the summary of record tells looks that were left out from facts that were lost', () => {
  const left = said({ looksSkipped: 1200 });
  assert.match(left, /^no time for 1200 looks at new processes: the shortest-lived stay unknown$/m);
  assert.doesNotMatch(left, /lost/);
  const lost = said({ factsLost: 3 });
  assert.match(lost, /^3 facts about sockets lost: a buffer was full$/m);
  assert.doesNotMatch(lost, /looks/);
  assert.doesNotMatch(said({}), /looks|lost/);
});
