import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrowingFlows } from '../../../../src/app/read/growing-flows.ts';
import { createColumns, pushRow } from '../../../../src/core/columns.ts';
import { FLOW_COLUMNS, type FlowColumns, FlowFlag } from '../../../../src/core/flow.ts';

/** Flows of one drain: serial, packets, and whether it ended. */
function drain(...rows: readonly (readonly [serial: number, packets: number, ended?: 'ended'])[]): FlowColumns {
  const flows = createColumns(FLOW_COLUMNS);
  for (const [serial, packets, ended] of rows) {
    const row = pushRow(flows);
    flows.serial[row] = serial;
    flows.origPackets[row] = packets;
    flows.flags[row] = ended === undefined ? 0 : FlowFlag.Ended;
  }
  return flows;
}

test('GrowingFlows shows a flow when it begins, and again when it is quiet and has grown', () => {
  const growing = new GrowingFlows();
  assert.deepEqual(growing.take(drain([2, 1], [1, 1])), [1, 2]);
  assert.deepEqual(growing.take(drain([1, 5])), []);
  assert.deepEqual(growing.take(drain([1, 9])), [], 'it is busy');
  assert.deepEqual(growing.take(drain()), [1]);
  assert.deepEqual(growing.take(drain()), []);
});

test('GrowingFlows shows the end of a flow at once, unless nothing came since it was shown', () => {
  const growing = new GrowingFlows();
  growing.take(drain([1, 1], [2, 1]));
  assert.deepEqual(growing.take(drain([1, 3, 'ended'], [2, 1, 'ended'])), [1]);
});
