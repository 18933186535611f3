import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowTotals } from '../../../../src/app/read/flow-totals.ts';
import { type Answer, unknown } from '../../../../src/attribution/attribute.ts';
import { FlowSide } from '../../../../src/core/attribution.ts';
import { type FlowColumns, FlowFlag } from '../../../../src/core/flow.ts';
import { makeFlows, makeProcess } from '../../../support/facts.ts';

const NAMED: Answer = {
  process: makeProcess(42),
  program: null,
  socket: 0,
  holders: [],
  evidence: { source: 'diag', match: 'five-tuple', gapUs: 5, holders: 1 },
  reason: null,
  rule: null,
  acted: 0,
};

/** One row of a flow: octets of IP to and fro. */
function row(serial: number, sent: number, received: number, flags: number): FlowColumns {
  const rows = makeFlows({ serial, src: ['192.0.2.1', 40000], dst: ['198.51.100.9', 443], firstUs: 1, lastUs: 2 });
  rows.origIpBytes[0] = sent;
  rows.replyIpBytes[0] = received;
  rows.flags[0] = flags;
  return rows;
}

test('FlowTotals adds up flows, and those with a process at any end', () => {
  const totals = new FlowTotals();
  totals.addFlows(row(1, 100, 11, FlowFlag.New | FlowFlag.Ended), 'last');
  totals.addFlows(row(5000, 30, 0, FlowFlag.New | FlowFlag.Ended), 'last');
  totals.addAnswer(5000, FlowSide.Dst, NAMED);
  totals.addAnswer(5000, FlowSide.Src, unknown('not-local'));
  assert.deepEqual(totals.totals(), { flows: 2, ipBytes: 141, namedFlows: 1 });
});

test('FlowTotals replaces a flow by its later row and an answer by the later one', () => {
  const totals = new FlowTotals();
  totals.addFlows(row(1, 100, 11, FlowFlag.New), 'some');
  totals.addFlows(row(1, 200, 11, 0), 'some');
  totals.addAnswer(1, FlowSide.Src, NAMED);
  totals.addAnswer(1, FlowSide.Src, unknown('ambiguous'));
  totals.addFlows(row(1, 200, 50, FlowFlag.Ended), 'some');
  assert.deepEqual(totals.totals(), { flows: 1, ipBytes: 250, namedFlows: 0 });
});
