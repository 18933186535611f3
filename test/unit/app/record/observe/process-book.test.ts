import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { ProcessBook, type Reference } from '../../../../../src/app/record/observe/process-book.ts';
import type { Process } from '../../../../../src/core/process.ts';
import { NO_UID } from '../../../../../src/core/socket.ts';
import type { ProcessState } from '../../../../../src/linux/bpf-process-events.ts';
import type { Cgroup } from '../../../../../src/linux/cgroup.ts';
import { makeProcess } from '../../../../support/facts.ts';
import { type ProcessLiteral, procFixture } from '../../../../support/proc-fixture.ts';

let remove = (): void => undefined;
afterEach(() => remove());

const GROUPS: Readonly<Record<number, Cgroup>> = {
  1: { path: '/', unit: null, container: null },
  7: { path: '/system.slice/web.service', unit: 'web.service', container: null },
};

function setUp(processes: Readonly<Record<number, ProcessLiteral>> = {}) {
  const fixture = procFixture(processes);
  remove = fixture.remove;
  const { proc, nowUs } = fixture;
  const book = new ProcessBook({ proc, nowUs, findCgroup: (id) => GROUPS[id] });
  return { book, fixture };
}

/** A new process: its start ticks are ten times its pid, as in the fixture. */
function state(pid: number, more: Partial<ProcessState> = {}): ProcessState {
  const parent = { parentPid: 42, parentStartTicks: 420 };
  return {
    pid,
    startTicks: pid * 10,
    atUs: 2_000_000,
    ...parent,
    comm: 'sh',
    uid: NO_UID,
    cgroupId: 0,
    netns: 0,
    ...more,
  };
}

function by(pid: number, more: Partial<Reference> = {}): Reference {
  return { pid, startTicks: pid * 10, atUs: 2_000_000, uid: NO_UID, cgroupId: 0, isCurrent: true, ...more };
}

const end = (pid: number, atUs = 2_001_000) => ({ pid, startTicks: pid * 10, atUs });
const comms = (processes: readonly Process[]): string[] => processes.map(({ comm }) => comm);

describe('ProcessBook', () => {
  test('knows a process that lived a millisecond as a whole', () => {
    const { book } = setUp({ 42: { comm: 'make', uid: 1000 } });
    book.forked(state(43, { uid: 1000, netns: 5, comm: 'make' }));
    book.executed(state(43, { comm: 'curl', uid: 1000, cgroupId: 7, netns: 5 }), '/usr/bin/curl', ['curl', 'x']);
    book.ended(end(43), 0, '');
    assert.deepEqual(book.refer(by(43)), {
      pid: 43,
      startTicks: 430,
      parentPid: 42,
      comm: 'curl',
      exe: '/usr/bin/curl',
      argv: ['curl', 'x'],
      uid: 1000,
      cgroup: '/system.slice/web.service',
      unit: 'web.service',
      container: null,
      netns: 5,
      forked: false,
    });
  });

  test('gives a child what its parent was, also when the parent is known from /proc only', () => {
    const { book } = setUp({ 42: { comm: 'nginx', argv: ['nginx', '-g'], uid: 33 } });
    book.forked(state(43, { comm: 'nginx' }));
    const child = book.refer(by(43));
    assert.deepEqual([child?.exe, child?.argv, child?.uid], ['/usr/bin/nginx', ['nginx', '-g'], 33]);
    assert.equal(book.refer(by(42))?.forked, true);
  });

  test('does not take another process with the pid of the parent for the parent', () => {
    const { book } = setUp({ 42: { comm: 'other' } });
    book.forked(state(43, { parentStartTicks: 399 }));
    const child = book.refer(by(43));
    assert.deepEqual([child?.exe, child?.parentPid], [null, 42]);
  });

  test('tells only of processes that something refers to and of those above them, once, and again when they changed', () => {
    const { book } = setUp({ 42: {} });
    for (const _ of book.prime()) void _;
    book.forked(state(43));
    assert.deepEqual(book.takeChanged(), []);
    book.refer(by(43));
    assert.deepEqual(comms(book.takeChanged()), ['sh', 'p42']);
    book.refer(by(43));
    assert.deepEqual(book.takeChanged(), []);
    book.executed(state(43, { comm: 'curl' }), '/usr/bin/curl', ['curl']);
    assert.deepEqual(comms(book.takeChanged()), ['curl', 'p42']);
    book.forked(state(44, { parentPid: 43, parentStartTicks: 430 }));
    assert.deepEqual(
      book.takeChanged().map(({ comm, forked }) => [comm, forked]),
      [
        ['curl', true],
        ['p42', true],
      ],
    );
  });

  test('never mixes two processes with one pid', () => {
    const { book } = setUp({ 42: {} });
    book.forked(state(43, { startTicks: 200, comm: 'first' }));
    book.ended({ pid: 43, startTicks: 200, atUs: 2_001_000 }, 0, '');
    book.forked(state(43, { startTicks: 300, atUs: 3_000_000, comm: 'second' }));
    assert.equal(book.refer(by(43, { startTicks: 200 }))?.comm, 'first');
    assert.equal(book.refer(by(43, { startTicks: 300 }))?.comm, 'second');
    assert.equal(book.refer(by(43, { startTicks: 0, atUs: 2_500_000 }))?.comm, 'first');
    assert.equal(book.refer(by(43, { startTicks: 0, atUs: 3_500_000 }))?.comm, 'second');
    assert.equal(book.refer(by(43, { startTicks: 0, atUs: 1_500_000 })), undefined);
  });

  test('reads an unknown process from /proc when its start ticks agree, else says only who it was', () => {
    const { book } = setUp({ 50: { comm: 'old' } });
    assert.equal(book.refer(by(50))?.comm, 'old');
    const gone = book.refer(by(50, { startTicks: 77 }));
    assert.deepEqual([gone?.comm, gone?.exe, gone?.startTicks], ['', null, 77]);
  });

  test('without start ticks believes /proc when that process was there before the event', () => {
    const { book } = setUp({ 50: { startTicks: 100 }, 51: { startTicks: 300 } });
    assert.equal(book.refer(by(50, { startTicks: 0 }))?.startTicks, 100);
    assert.equal(book.refer(by(51, { startTicks: 0 })), undefined, 'it began at 3 s, the event was at 2 s');
    assert.equal(book.refer(by(52, { startTicks: 0 })), undefined);
  });

  test('without events of processes reads again before it believes that a pid is still the same', () => {
    const { book, fixture } = setUp({ 50: { comm: 'old', startTicks: 1 } });
    book.refer(by(50, { startTicks: 0 }));
    fixture.end(50);
    fixture.add(50, { comm: 'new', startTicks: 150 });
    fixture.now = 4_000_000;
    assert.equal(book.refer(by(50, { startTicks: 0, atUs: 4_000_000 }))?.comm, 'new');
  });

  test('takes what another thread read of a process that is gone by now', () => {
    const { book } = setUp();
    assert.equal(book.refer(by(50, { startTicks: 0 })), undefined);
    book.learn(makeProcess(50, { startTicks: 199, comm: 'brief' }));
    assert.equal(book.refer(by(50, { startTicks: 0, atUs: 1_995_000 }))?.comm, 'brief');
    book.refer(by(51, { startTicks: 170 }));
    book.takeChanged();
    book.learn(makeProcess(51, { startTicks: 170, comm: 'late' }));
    assert.deepEqual(comms(book.takeChanged()), ['late']);
  });

  test('follows a change of user, from events of that moment rather than from older ones', () => {
    const { book } = setUp({ 42: { uid: 0 } });
    assert.equal(book.refer(by(42, { uid: 33 }))?.uid, 33);
    assert.equal(book.refer(by(42, { uid: 0, isCurrent: false }))?.uid, 33, 'who made the socket, not who acts now');
    assert.equal(book.refer(by(42, { uid: 34 }))?.uid, 34);
  });

  test('says that a group is not known rather than to keep that of the parent', () => {
    const { book } = setUp({ 42: {} });
    book.refer(by(42, { cgroupId: 7 }));
    book.forked(state(43, { cgroupId: 99 }));
    assert.deepEqual([book.refer(by(43))?.unit, book.refer(by(42))?.unit], [null, 'web.service']);
  });

  test('tells the end of processes that were referred to', () => {
    const { book } = setUp({ 42: {} });
    book.forked(state(43));
    book.forked(state(44));
    book.refer(by(44));
    book.ended(end(43), 1, '');
    book.ended(end(44, 2_500_000), 9, '');
    book.ended(end(44, 2_600_000), 9, ''); // some ends are told twice
    const exits = book.takeExits()!;
    assert.deepEqual(
      [exits.count, exits.pid[0], exits.startTicks[0], exits.atUs[0], exits.code[0]],
      [1, 44, 440, 2_500_000, 9],
    );
    assert.equal(book.takeExits(), undefined);
    book.refer(by(43));
    const late = book.takeExits()!;
    assert.deepEqual([late.count, late.pid[0], late.atUs[0], late.code[0]], [1, 43, 2_001_000, 1]);
  });

  test('takes the name that a process had at its end, also when main knows it by an earlier one', () => {
    const { book } = setUp({ 42: {} });
    book.forked(state(43));
    book.refer(by(43));
    assert.deepEqual(comms(book.takeChanged()), ['sh', 'p42']);
    book.ended(end(43), 0, 'renamed');
    assert.deepEqual(comms(book.takeChanged()), ['renamed', 'p42']);
    assert.equal(book.refer(by(43))?.comm, 'renamed');
  });

  test('tells of ancestors that nothing refers to when they change or end, also of those that are gone', () => {
    const { book } = setUp({ 42: { comm: 'init' } });
    book.forked(state(43));
    book.forked(state(44, { parentPid: 43, parentStartTicks: 430 }));
    book.ended(end(43), 0, '');
    book.refer(by(44));
    assert.deepEqual(
      book.takeChanged().map(({ pid }) => pid),
      [44, 43, 42],
    );
    assert.deepEqual([...book.takeExits()!.pid.subarray(0, 1)], [43], 'it ended before anybody heard of it');
    book.executed({ ...state(42), comm: 'other' }, '/sbin/other', ['other']);
    assert.deepEqual(comms(book.takeChanged()), ['other']);
    assert.equal(book.takeExits(), undefined);
    book.ended(end(42), 0, '');
    assert.deepEqual(book.takeExits()?.pid[0], 42);
  });

  test('ends what /proc does not list any more, unless it was born after the list', () => {
    const { book } = setUp({ 42: {} });
    for (const _ of book.prime()) void _;
    book.refer(by(42));
    book.forked(state(43, { atUs: 5_000_000 }));
    book.refer(by(43));
    book.reconcile([], 4_000_000);
    const exits = book.takeExits()!;
    assert.deepEqual([exits.count, exits.pid[0]], [1, 42]);
  });

  test('names children of socket owners, which hold what their parent held, unless they are gone', () => {
    const { book } = setUp({ 42: {}, 60: {} });
    book.refer(by(42));
    book.forked(state(43));
    book.forked(state(44));
    book.forked(state(61, { parentPid: 60, parentStartTicks: 600 }));
    book.ended(end(44), 0, '');
    assert.equal(book.hasHeirs, true);
    assert.deepEqual(book.takeHeirs(), [43]);
    assert.equal(book.hasHeirs, false);
  });

  test('reads a process that acts again now and then, for a new title', () => {
    const { book, fixture } = setUp({ 42: { comm: 'postgres' } });
    book.refer(by(42));
    book.takeChanged();
    fixture.end(42);
    fixture.add(42, { comm: 'postgres: idle' });
    fixture.now += 10_000_000;
    book.refer(by(42));
    assert.equal(book.hasStale, true);
    book.refresh(Infinity);
    assert.deepEqual(comms(book.takeChanged()), ['postgres: idle']);
  });

  test('keeps ended processes for 150 seconds, the living as long as they live', () => {
    const { book } = setUp({ 42: {} });
    book.forked(state(43));
    book.ended(end(43, 2_000_000), 0, '');
    book.forget(151_000_000);
    assert.equal(book.size, 2);
    book.forget(153_000_000);
    assert.equal(book.size, 1);
  });
});
