import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HolderScan } from '../../../../src/app/record/observe/holder-scan.ts';
import { createColumns } from '../../../../src/core/columns.ts';
import { HOLDER_COLUMNS } from '../../../../src/core/process.ts';
import { procFixture } from '../../../support/proc-fixture.ts';

const SECOND = 1_000_000;

test('HolderScan looks at a known holder again after its rest when a flow began meanwhile', () => {
  const fixture = procFixture({ 7: { sockets: [70, 71] } });
  const scan = new HolderScan(fixture.proc, fixture.nowUs);
  scan.step(3_000);
  fixture.now += SECOND;
  const into = createColumns(HOLDER_COLUMNS);
  scan.want(70, into);
  assert.equal(into.count, 2, 'both sockets of the process are seen');

  fixture.now += 10_000;
  const beganUs = fixture.now;
  scan.want(71, into);
  assert.equal(into.count, 2, 'not so soon again');
  assert.equal(scan.hasWishes, true);
  scan.lookLater(into);
  assert.equal(into.count, 2, 'it still rests');
  fixture.now += SECOND;
  scan.lookLater(into);
  const seen = Array.from(into.seenUs.subarray(0, into.count)).filter((us) => us >= beganUs);
  assert.equal(seen.length, 2);
  assert.equal(scan.hasWishes, false);
  scan.lookLater(into);
  assert.equal(into.count, 4, 'once');
  fixture.remove();
});
