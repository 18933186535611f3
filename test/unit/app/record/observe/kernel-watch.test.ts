import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { KernelWatch } from '../../../../../src/app/record/observe/kernel-watch.ts';
import { createLearned } from '../../../../../src/app/record/observe/learned.ts';
import { OwnerEvidence, SocketEvent, type SocketEventColumns } from '../../../../../src/core/socket.ts';
import { decodeSnapshot } from '../../../../../src/linux/bpf-events.ts';
import { decodeProcessEvents } from '../../../../../src/linux/bpf-process-events.ts';
import { processEvent, ringOf, type SnapshotLiteral, snapshotRecord } from '../../../../support/bpf-records.ts';
import { procFixture } from '../../../../support/proc-fixture.ts';
import { makeEvents } from '../../../../support/ring-events.ts';

let remove = (): void => undefined;
afterEach(() => remove());

const SLICE_US = 3000;
const FORKED = 1;
const EXECUTED = 2;
const ENDED = 3;

function setUp(layer: 'bpf' | 'cgroup' = 'bpf') {
  const fixture = procFixture({ 42: { comm: 'make' } });
  remove = fixture.remove;
  const kernel = {
    processes: [] as Buffer[],
    sockets: undefined as SocketEventColumns | undefined,
    held: [] as SnapshotLiteral[],
    snapshots: 0,
    lost: Float64Array.of(0, 0),
  };
  const watch = new KernelWatch({
    reader: {
      layer,
      takesSnapshots: layer === 'bpf',
      readProcesses(sink) {
        const bytes = ringOf(...kernel.processes.splice(0));
        decodeProcessEvents(bytes, bytes.length, sink);
      },
      readSockets: () => kernel.sockets,
      snapshot(_pid, seenUs, sockets, holders) {
        kernel.snapshots++;
        const bytes = Buffer.concat(kernel.held.map(snapshotRecord));
        decodeSnapshot(bytes, bytes.length, seenUs, sockets, holders);
        return 0;
      },
      readLost: () => kernel.lost,
    },
    proc: fixture.proc,
    findCgroup: () => undefined,
    ownNetns: { cookie: 3, inode: 4026531840 },
    nowUs: fixture.nowUs,
  });
  const step = () => {
    const learned = createLearned();
    return { ...watch.step(SLICE_US, learned), learned, processes: watch.takeProcesses() };
  };
  return { fixture, kernel, watch, step };
}

const SHORT = { pid: 43, parentPid: 42, parentStartTicks: 420, comm: 'sh' };

test('KernelWatch names a process whose birth, program and end lie in the ring when its socket is told of', () => {
  const { kernel, watch } = setUp();
  kernel.processes.push(
    processEvent({ ...SHORT, kind: FORKED, uid: 1000 }),
    processEvent({ ...SHORT, kind: EXECUTED, comm: 'curl', exe: '/usr/bin/curl', argv: ['curl'] }),
    processEvent({ ...SHORT, kind: ENDED, comm: 'curl' }),
  );
  const learned = createLearned();
  watch.take(makeEvents({ pid: 43, startTicks: 430, cookie: 5, evidence: OwnerEvidence.Called }), learned);
  assert.deepEqual([learned.owners.pid[0], learned.owners.startTicks[0]], [43, 430]);
  assert.deepEqual(
    watch.takeProcesses().map(({ comm, exe, parentPid, uid }) => ({ comm, exe, parentPid, uid })),
    [
      { comm: 'curl', exe: '/usr/bin/curl', parentPid: 42, uid: 1000 },
      { comm: 'make', exe: '/usr/bin/make', parentPid: 1, uid: 1000 }, // the parent
    ],
  );
  assert.equal(watch.takeExits()?.pid[0], 43);
});

test('KernelWatch begins with a snapshot and lists who is there', () => {
  const { kernel, step, watch } = setUp();
  kernel.held.push({ pid: 42, cookie: 5, inode: 50, local: ['192.0.2.1', 80] });
  const { scan, learned, processes } = step();
  assert.deepEqual([...scan!.pids], [42]);
  assert.deepEqual(scan!.deniedUids, []);
  assert.equal(learned.holders.pid[0], 42);
  assert.equal(processes[0]?.comm, 'make');
  assert.equal(watch.restMs, 500);
});

test('KernelWatch tells in which interval events of sockets were lost, and takes a snapshot then', () => {
  const { fixture, kernel, step, watch } = setUp();
  step();
  fixture.now += 500_000;
  assert.equal(step().lost, null);
  kernel.lost[0] = 7;
  fixture.now += 500_000;
  assert.deepEqual(step().lost, { fromUs: 1_500_000, toUs: 2_000_000 });
  assert.deepEqual([kernel.snapshots, watch.lost], [2, 7]);
  assert.equal(step().lost, null);
});

test('KernelWatch reads all processes again when events of processes were lost', () => {
  const { fixture, kernel, step, watch } = setUp();
  step();
  fixture.add(77, { comm: 'unseen', children: [] });
  kernel.lost[1] = 3;
  assert.equal(step().lost, null, 'of sockets nothing was lost');
  fixture.end(77);
  watch.take(makeEvents({ pid: 77, startTicks: 770, cookie: 5 }), createLearned());
  assert.equal(watch.takeProcesses()[0]?.comm, 'unseen');
});

test('KernelWatch wants to look at the children of socket owners soon', () => {
  const { kernel, step, watch } = setUp();
  step();
  watch.take(makeEvents({ pid: 42, startTicks: 420, cookie: 5 }), createLearned());
  kernel.processes.push(processEvent({ ...SHORT, kind: FORKED }));
  watch.take(makeEvents({ kind: SocketEvent.Closed, cookie: 1 }), createLearned());
  assert.equal(watch.restMs, 20);
  const { learned } = step();
  assert.equal(learned.holders.count, 0);
  assert.equal(kernel.snapshots, 2);
});

test('KernelWatch reads the events of sockets itself when nobody else does', () => {
  const { kernel, step } = setUp();
  kernel.sockets = makeEvents({ pid: 42, startTicks: 420, cookie: 5, netnsCookie: 3 });
  const { learned } = step();
  assert.deepEqual([learned.owners.count, learned.sockets.netns[0]], [1, 4026531840]);
});

test('KernelWatch of the cgroup layer sees neither actors nor holders', () => {
  const { watch, step, kernel } = setUp('cgroup');
  assert.deepEqual([watch.seesActors, watch.seesHolders], [false, false]);
  assert.equal(step().scan, null);
  assert.equal(kernel.snapshots, 0);
});
