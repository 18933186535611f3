import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { BpfFacts } from '../../../../../src/app/record/observe/bpf-facts.ts';
import { createLearned } from '../../../../../src/app/record/observe/learned.ts';
import { NetnsBook } from '../../../../../src/app/record/observe/netns-book.ts';
import { ProcessBook } from '../../../../../src/app/record/observe/process-book.ts';
import { OwnerEvidence, SocketEvent, SocketFlag, SocketState, SourceCode } from '../../../../../src/core/socket.ts';
import { equalKeys, KEY_WORDS, Protocol } from '../../../../../src/core/tuple.ts';
import type { EventLiteral } from '../../../../support/bpf-records.ts';
import { makeKey, makeProcess } from '../../../../support/facts.ts';
import { type ProcessLiteral, procFixture } from '../../../../support/proc-fixture.ts';
import { makeEvents } from '../../../../support/ring-events.ts';

let remove = (): void => undefined;
afterEach(() => remove());

function setUp(processes: Readonly<Record<number, ProcessLiteral>> = { 42: { uid: 1000 } }) {
  const fixture = procFixture(processes);
  fixture.now = 2_050_000;
  const { proc, nowUs } = fixture;
  remove = fixture.remove;
  const book = new ProcessBook({ proc, nowUs, findCgroup: () => undefined });
  const facts = new BpfFacts(book, new NetnsBook(), SourceCode.Bpf);
  const take = (...literals: readonly Partial<EventLiteral>[]) => {
    const learned = createLearned();
    facts.take(makeEvents(...literals), learned);
    return learned;
  };
  return { facts, book, take };
}

const BY_42 = { pid: 42, startTicks: 420, cookie: 5, atUs: 2_000_000, uid: 1000, evidence: OwnerEvidence.Called };
const TUPLE = makeKey(Protocol.Tcp, ['192.0.2.1', 40000], ['198.51.100.9', 443]);

test('BpfFacts says of the first packet of a socket which tuple it is on and who acted so far', () => {
  const { take, book } = setUp();
  const { sockets, owners, closed } = take({ ...BY_42, netns: 7 });
  assert.deepEqual([sockets.count, owners.count, closed.count], [1, 1, 0]);
  assert.ok(equalKeys(sockets.key, 0, TUPLE, 0));
  const { cookie, seenUs, uid, netns, inode, state, source } = sockets;
  assert.deepEqual(
    [cookie[0], seenUs[0], uid[0], netns[0], inode[0], state[0], source[0]],
    [5, 2_000_000, 1000, 7, 0, SocketState.Established, SourceCode.Bpf],
  );
  assert.deepEqual(
    [owners.cookie[0], owners.pid[0], owners.startTicks[0], owners.evidence[0], owners.source[0], owners.fromUs[0]],
    [5, 42, 420, OwnerEvidence.Called, SourceCode.Bpf, 2_000_000],
  );
  assert.deepEqual(
    book.takeChanged().map(({ pid, comm }) => [pid, comm]),
    [[42, 'p42']],
  );
});

test('BpfFacts has no owner for a packet whose socket nobody is known for', () => {
  const { take } = setUp();
  const { sockets, owners } = take({ cookie: 5 });
  assert.deepEqual([sockets.count, owners.count], [1, 0]);
});

test('BpfFacts tells every change of owner, and no owner twice', () => {
  const { take } = setUp({ 42: {}, 43: {} });
  const acts = { ...BY_42, kind: SocketEvent.Owner, evidence: OwnerEvidence.Transfer };
  const { owners } = take(BY_42, BY_42, acts, { ...acts, pid: 43, startTicks: 430 }, acts, { ...acts, cookie: 6 });
  assert.deepEqual([...owners.pid.subarray(0, owners.count)], [42, 42, 43, 42, 42]);
  assert.deepEqual([...owners.cookie.subarray(0, owners.count)], [5, 5, 5, 5, 6]);
  assert.equal(take({ ...acts, cookie: 6, atUs: 13_000_000 }).owners.count, 1, 'after a while main may have forgotten');
});

test('BpfFacts tells an owner again when what it told did not arrive', () => {
  const { facts, take } = setUp();
  assert.deepEqual([take(BY_42).owners.count, take(BY_42).owners.count], [1, 0]);
  facts.repeat();
  assert.equal(take(BY_42).owners.count, 1);
});

test('BpfFacts does not put a socket on a tuple that is not complete, unless it listens', () => {
  const { take } = setUp();
  const owner = { ...BY_42, kind: SocketEvent.Owner };
  const { sockets, owners } = take(
    { ...owner, local: ['192.0.2.1', 0] },
    { ...owner, cookie: 6, local: ['0.0.0.0', 53], remote: ['0.0.0.0', 0] },
    { ...owner, cookie: 7, local: ['0.0.0.0', 80], remote: ['0.0.0.0', 0], flags: SocketFlag.Listens },
    { ...owner, cookie: 8 },
  );
  assert.deepEqual([...sockets.cookie.subarray(0, sockets.count)], [7, 8]);
  assert.deepEqual([...sockets.state.subarray(0, 2)], [SocketState.Listen, SocketState.Established]);
  assert.equal(owners.count, 4);
});

test('BpfFacts says when a socket was closed', () => {
  const { closed, sockets } = setUp().take({ kind: SocketEvent.Closed, cookie: 5, atUs: 3_000_000 });
  assert.deepEqual([closed.count, closed.cookie[0], closed.atUs[0], sockets.count], [1, 5, 3_000_000, 0]);
});

test('BpfFacts leaves out an owner of whom nothing but a pid is known', () => {
  const { take } = setUp();
  assert.equal(take({ ...BY_42, pid: 99, startTicks: 0 }).owners.count, 0);
});

test('BpfFacts waits a little for word of a process that it does not know', () => {
  const { facts, book, take } = setUp();
  take({ ...BY_42, pid: 99, startTicks: 0 });
  const learned = createLearned();
  facts.retry(2_100_000, learned);
  assert.equal(learned.owners.count, 0);
  book.learn(makeProcess(99, { startTicks: 150 }));
  facts.retry(2_199_999, learned);
  assert.deepEqual([learned.owners.count, learned.owners.startTicks[0], learned.owners.fromUs[0]], [1, 150, 2_000_000]);
  take({ ...BY_42, pid: 98, startTicks: 0 });
  facts.retry(2_200_000, learned);
  book.learn(makeProcess(98, { startTicks: 150 }));
  facts.retry(2_200_001, learned);
  assert.equal(learned.owners.count, 1, 'nobody told in time');
});

test('BpfFacts finds the start ticks that events without tracing do not have', () => {
  const { take } = setUp({ 42: { startTicks: 150 } });
  assert.equal(take({ ...BY_42, startTicks: 0 }).owners.startTicks[0], 150);
});

test('BpfFacts says that the kernel itself uses a socket', () => {
  const { owners } = setUp().take({ cookie: 5, flags: SocketFlag.Kernel | SocketFlag.Outgoing });
  assert.deepEqual([owners.count, owners.pid[0], owners.flags[0]], [1, 0, SocketFlag.Kernel]);
});

test('BpfFacts remembers for which tuples an owner was told', () => {
  const { facts, take } = setUp();
  take(BY_42, { cookie: 6, atUs: 2_000_000, local: ['192.0.2.1', 1] });
  assert.equal(facts.hasOwner(TUPLE, 1_500_000), true);
  assert.equal(facts.hasOwner(TUPLE, 2_500_000), false, 'that was another flow');
  assert.equal(facts.hasOwner(makeKey(Protocol.Tcp, ['192.0.2.1', 1], ['198.51.100.9', 443]), 0), false);
});

test('BpfFacts keeps the interface of a link-local tuple', () => {
  const { sockets } = setUp().take({ ...BY_42, local: ['fe80::1', 1], remote: ['fe80::2', 2], ifindex: 4 });
  assert.equal(sockets.boundIfindex[0], 4);
  assert.equal(sockets.key.length, sockets.capacity * KEY_WORDS);
});
