import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLearned } from '../../../../../src/app/record/observe/learned.ts';
import { Snapshots } from '../../../../../src/app/record/observe/snapshots.ts';
import { decodeSnapshot } from '../../../../../src/linux/bpf-events.ts';
import { type SnapshotLiteral, snapshotRecord } from '../../../../support/bpf-records.ts';

const SECOND = 1_000_000;
const EINVAL = -22;

/** A kernel in which processes hold sockets; taking a snapshot of all takes `costUs`, of one a hundredth. */
function setUp(...held: SnapshotLiteral[]) {
  const kernel = {
    held,
    heirs: [] as number[],
    taken: [] as number[], // pids
    referred: [] as number[],
    error: 0,
    costUs: 1000,
    now: 10 * SECOND,
  };
  const snapshots = new Snapshots({
    take: (pid, seenUs, sockets, holders) => {
      kernel.taken.push(pid);
      kernel.now += pid === 0 ? kernel.costUs : kernel.costUs / 100;
      if (kernel.error !== 0) return kernel.error;
      const mine = kernel.held.filter((one) => pid === 0 || one.pid === pid);
      const bytes = Buffer.concat(mine.map((one) => snapshotRecord({ local: ['192.0.2.1', 80], ...one })));
      decodeSnapshot(bytes, bytes.length, seenUs, sockets, holders);
      return 0;
    },
    refer: (pid) => void kernel.referred.push(pid),
    takeHeirs: () => kernel.heirs.splice(0),
    nowUs: () => kernel.now,
  });
  const step = () => {
    const learned = createLearned();
    const startedUs = snapshots.step(kernel.heirs.length > 0, learned);
    const { sockets, holders } = learned;
    return {
      startedUs,
      cookies: [...sockets.cookie.subarray(0, sockets.count)],
      pids: [...holders.pid.subarray(0, holders.count)],
    };
  };
  return { kernel, snapshots, step };
}

const WEB = { cookie: 5, inode: 50 };

test('Snapshots lists all holders at the start, a shared socket once, and has their processes told', () => {
  const { kernel, step } = setUp({ ...WEB, pid: 42 }, { ...WEB, pid: 43 }, { pid: 44, cookie: 6, inode: 60 });
  assert.deepEqual(step(), { startedUs: 10 * SECOND, cookies: [5, 6], pids: [42, 43, 44] });
  assert.deepEqual(kernel.referred, [42, 43, 44]);
  assert.deepEqual(step(), { startedUs: undefined, cookies: [], pids: [] });
});

test('Snapshots repeats everything after ten seconds', () => {
  const { kernel, step } = setUp({ ...WEB, pid: 42 });
  step();
  kernel.now = 20 * SECOND;
  assert.deepEqual(step(), { startedUs: 20 * SECOND, cookies: [5], pids: [42] });
});

test('Snapshots tells only what is new when one was asked for', () => {
  const { kernel, snapshots, step } = setUp({ ...WEB, pid: 42 });
  step();
  kernel.held.push({ ...WEB, pid: 43 });
  kernel.now += SECOND / 4;
  snapshots.want();
  assert.deepEqual(step().pids, [43]);
});

test('Snapshots tells everything again when what it told did not arrive', () => {
  const { kernel, snapshots, step } = setUp({ ...WEB, pid: 42 });
  step();
  kernel.now += SECOND / 4;
  snapshots.repeat();
  assert.deepEqual(step().pids, [42]);
});

test('Snapshots takes one that was asked for at most every 250 ms and in 2 % of the time', () => {
  const { kernel, snapshots, step } = setUp({ ...WEB, pid: 42 });
  step();
  snapshots.want();
  kernel.now += 100_000;
  assert.equal(step().startedUs, undefined);
  kernel.now = 10 * SECOND + 250_000;
  assert.notEqual(step().startedUs, undefined);
  kernel.costUs = 20_000;
  kernel.now = 11 * SECOND;
  snapshots.want();
  step();
  snapshots.want();
  kernel.now = 11 * SECOND + 999_999;
  assert.equal(step().startedUs, undefined);
  kernel.now = 12 * SECOND;
  assert.notEqual(step().startedUs, undefined);
});

test('Snapshots looks at the children of socket owners alone', () => {
  const { kernel, step } = setUp({ ...WEB, pid: 42 });
  step();
  kernel.held.push({ ...WEB, pid: 43 }, { ...WEB, pid: 99 });
  kernel.heirs.push(43);
  assert.deepEqual(step().pids, [43]);
  assert.deepEqual(kernel.taken, [0, 43]);
});

test('Snapshots looks at everybody when there are many children, or the kernel cannot list one process', () => {
  const { kernel, step } = setUp({ ...WEB, pid: 42 });
  step();
  kernel.heirs.push(...Array.from({ length: 65 }, (_, i) => 100 + i));
  step();
  kernel.now += SECOND;
  assert.notEqual(step().startedUs, undefined);
  kernel.error = EINVAL;
  kernel.heirs.push(43);
  kernel.now += SECOND;
  step();
  kernel.error = 0;
  assert.notEqual(step().startedUs, undefined);
});

test('Snapshots says nothing when the kernel refuses', () => {
  const { kernel, snapshots, step } = setUp({ ...WEB, pid: 42 });
  kernel.error = EINVAL;
  assert.deepEqual(step(), { startedUs: undefined, cookies: [], pids: [] });
  assert.equal(snapshots.lastError, EINVAL);
});
