import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowBook } from '../../../../src/app/read/flow-book.ts';
import { type Answer, unknown } from '../../../../src/attribution/attribute.ts';
import { FlowSide } from '../../../../src/core/attribution.ts';
import { FLOW_RECORD_FIELDS } from '../../../../src/core/record.ts';
import { Protocol } from '../../../../src/core/tuple.ts';
import { type FlowLiteral, makeFlows, makeProcess } from '../../../support/facts.ts';

const FLOW: FlowLiteral = {
  serial: 1,
  src: ['192.0.2.1', 40000],
  dst: ['198.51.100.9', 443],
  firstUs: 1000,
  lastUs: 2000,
};

const NAMED: Answer = {
  process: makeProcess(42, { comm: 'curl', argv: ['curl', 'a b'], uid: 7 }),
  program: { exe: '/usr/bin/p42', unit: 'x.service', container: null, uid: 7 },
  socket: 0,
  holders: [],
  evidence: { source: 'diag', match: 'five-tuple', gapUs: 5, holders: 1 },
  reason: null,
  rule: null,
  acted: 0,
};

function book(): FlowBook {
  return new FlowBook((uid) => (uid === 7 ? 'alice' : null));
}

test('FlowBook gives a record with every field of machine output', () => {
  const flows = book();
  flows.addFlows(makeFlows(FLOW));
  const [record] = [...flows.records()];
  assert.deepEqual(Object.keys(record!).sort(), [...FLOW_RECORD_FIELDS].sort());
  assert.ok(Object.values(record!).every((value) => value !== undefined));
  assert.equal(record!.protocol, 'tcp');
  assert.deepEqual([record!.src_addr, record!.src_port, record!.dst_port], ['192.0.2.1', 40000, 443]);
  assert.deepEqual([record!.src_pid, record!.src_reason, record!.src_confidence], [null, null, 'unknown']);
});

test('FlowBook writes the owner of an end and the evidence for it', () => {
  const flows = book();
  flows.addFlows(makeFlows(FLOW));
  flows.addAnswer(1, FlowSide.Dst, NAMED);
  const [record] = [...flows.records()];
  const { dst_pid, dst_comm, dst_exe, dst_cmdline, dst_uid, dst_user, dst_unit, dst_netns } = record!;
  assert.deepEqual(
    [dst_pid, dst_comm, dst_exe, dst_cmdline, dst_uid, dst_user, dst_unit, dst_netns],
    [42, 'curl', '/usr/bin/p42', "curl 'a b'", 7, 'alice', 'x.service', 4026531840],
  );
  const { dst_source, dst_match, dst_confidence, dst_gap_us, dst_holders, dst_reason } = record!;
  assert.deepEqual(
    [dst_source, dst_match, dst_confidence, dst_gap_us, dst_holders, dst_reason],
    ['diag', 'five-tuple', 'likely', 5, 1, null],
  );
  assert.equal(record!.src_pid, null);
});

test('FlowBook keeps what is known of an end without a process', () => {
  const flows = book();
  flows.addFlows(makeFlows(FLOW));
  const program = { exe: null, unit: null, container: null, uid: 7 };
  flows.addAnswer(1, FlowSide.Src, { ...unknown('no-permission'), program });
  const [record] = [...flows.records()];
  assert.deepEqual([record!.src_user, record!.src_exe, record!.src_reason], ['alice', null, 'no-permission']);
});

test('FlowBook replaces a flow by its later row and an answer by the later one', () => {
  const flows = book();
  flows.addFlows(makeFlows(FLOW));
  const later = makeFlows({ ...FLOW, lastUs: 9000, state: 'ended' });
  later.origPackets[0] = 12;
  flows.addFlows(later);
  flows.addAnswer(1, FlowSide.Src, unknown('closed-before-scan'));
  flows.addAnswer(1, FlowSide.Src, NAMED);
  const records = [...flows.records()];
  assert.equal(records.length, 1);
  assert.deepEqual([records[0]!.orig_packets, records[0]!.last_us, records[0]!.end_reason], [12, 9000, 'end-of-flow']);
  assert.equal(records[0]!.src_pid, 42);
});

test('FlowBook keeps the order of serials, whatever the order of rows', () => {
  const flows = book();
  flows.addFlows(makeFlows({ ...FLOW, serial: 3 }, { ...FLOW, serial: 1, src: ['192.0.2.1', 1] }));
  flows.addFlows(makeFlows({ ...FLOW, serial: 2, src: ['192.0.2.1', 2] }));
  assert.deepEqual(
    [...flows.records()].map((record) => [record.flow_id, record.src_port]),
    [
      [1, 1],
      [2, 2],
      [3, 40000],
    ],
  );
});

test('FlowBook gives no port where the protocol has none', () => {
  const flows = book();
  flows.addFlows(makeFlows({ ...FLOW, protocol: Protocol.Icmp, src: ['192.0.2.1', 4711], dst: ['198.51.100.9', 0] }));
  const [record] = [...flows.records()];
  assert.deepEqual([record!.src_port, record!.dst_port], [4711, null]);
});
