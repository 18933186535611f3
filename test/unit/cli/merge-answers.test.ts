import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeAnswers } from '../../../src/cli/merge-answers.ts';
import { answerText } from '../../../src/cli/owner-words.ts';
import { utcZone } from '../../../src/report/local-time.ts';
import { makeLook } from '../../../src/report/look.ts';
import { NOON } from '../../support/ticks.ts';

const look = makeLook({ zone: utcZone, iso: false, si: false });
const ENDS = { protocol: 'tcp', src_addr: '10.0.0.5', src_port: 40000, dst_addr: '10.0.0.7', dst_port: 443 };
const COUNTERS = { orig_packets: 3, orig_ip_bytes: 300, reply_packets: 2, reply_ip_bytes: 200 };
const FLOW = { ...ENDS, ...COUNTERS, flow_id: 1, first_us: NOON, last_us: NOON, end_reason: null };
const CURL = { src_pid: 7, src_comm: 'curl', src_source: 'bpf', src_match: 'cookie', src_confidence: 'exact' };
const live = (fields: object) => ({
  record: { ...ENDS, state: 'established', src_pid: 7, src_comm: 'curl', src_source: 'diag', ...fields },
  holders: [],
});

test('what is open now and stored is one answer, with the stored evidence', () => {
  const [answer, ...others] = mergeAnswers([live({})], [{ record: { ...FLOW, ...CURL }, holders: [] }]);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [answer?.record.flow_id, answer?.record.state, answer?.record.src_source],
    [1, 'established', 'bpf'],
  );
  const text = answerText(answer!, look);
  assert.match(text, /\n {2}open now, established; since 2026-11-21T13:00:00\.000000Z 3 packets \(300 B\) sent/);
  assert.match(text, /\n {6}exact: the kernel reported that curl \(pid 7\) sent on this socket\n/);
});

test('the kernel names an end that is stored without a process, whichever end it is', () => {
  const stored = [{ record: { ...FLOW, src_pid: null, src_reason: 'closed-before-scan' }, holders: [] }];
  const [named] = mergeAnswers([live({ src_confidence: 'exact' })], stored);
  assert.deepEqual([named?.record.src_comm, named?.record.src_reason], ['curl', null]);
  const swapped = { src_addr: '10.0.0.7', src_port: 443, dst_addr: '10.0.0.5', dst_port: 40000 };
  const [server] = mergeAnswers([live({ ...swapped, src_comm: 'nginx' })], stored);
  assert.deepEqual([server?.record.dst_comm, server?.record.src_reason], ['nginx', 'closed-before-scan']);
});

test('who holds the socket now stands beside who sent on it, and is not taken for the sender', () => {
  const [answer] = mergeAnswers(
    [live({ src_pid: 8, src_comm: 'heir' })],
    [{ record: { ...FLOW, ...CURL }, holders: [] }],
  );
  assert.equal(answer?.record.src_comm, 'curl');
  assert.deepEqual(
    answer?.holders.map(({ side, comm, role }) => [side, comm, role]),
    [['src', 'heir', 'holder']],
  );
});

test('a socket on the tuple of a flow that has ended is another connection', () => {
  const ended = { record: { ...FLOW, ...CURL, end_reason: 'end-of-flow' }, holders: [] };
  const [first, second] = mergeAnswers([live({})], [ended]);
  assert.deepEqual([first?.record.state, second], ['established', ended]);
});

test('a socket that nobody has any more comes last, and not at all when its flow is stored', () => {
  const closing = { record: { ...ENDS, state: 'time-wait', src_pid: null }, holders: [] };
  const stored = { record: { ...FLOW, ...CURL, end_reason: 'end-of-flow' }, holders: [] };
  const other = { record: { ...FLOW, src_port: 1 }, holders: [] };
  assert.deepEqual(mergeAnswers([closing], [stored]), [stored]);
  assert.deepEqual(mergeAnswers([closing], [other]), [other, closing]);
});

test('a listening socket is an answer of its own', () => {
  const listening = live({ dst_addr: null, dst_port: null, state: 'listen' });
  const flow = { record: { ...FLOW, ...CURL }, holders: [] };
  assert.deepEqual(mergeAnswers([listening], [flow]), [listening, flow]);
});
