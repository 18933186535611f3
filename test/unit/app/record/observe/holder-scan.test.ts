import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { HolderScan, type ScanResult } from '../../../../../src/app/record/observe/holder-scan.ts';
import { createColumns } from '../../../../../src/core/columns.ts';
import { HOLDER_COLUMNS, type HolderColumns } from '../../../../../src/core/process.ts';
import { ProcFs } from '../../../../../src/linux/proc-fs.ts';
import { makeHolders } from '../../../../support/facts.ts';
import { type ProcessLiteral, procFixture } from '../../../../support/proc-fixture.ts';

const SLICE_US = 3_000;
const SECOND = 1_000_000;

let remove = (): void => undefined;
afterEach(() => remove());

/** A scan of these processes after its first, periodic reading. */
function setUp(processes: Readonly<Record<number, ProcessLiteral>>) {
  const fixture = procFixture(processes);
  remove = fixture.remove;
  const scan = new HolderScan(fixture.proc, fixture.nowUs);
  const first = scan.step(SLICE_US);
  fixture.now += SECOND;
  const into = createColumns(HOLDER_COLUMNS);
  return { fixture, scan, first, into };
}

/** `inode:pid` of every row, in order. */
function pairs(holders: HolderColumns | undefined): string[] {
  if (holders === undefined) return [];
  return Array.from({ length: holders.count }, (_, i) => `${holders.inode[i]}:${holders.pid[i]}`).sort();
}

const found = (result: ScanResult | undefined): string[] => pairs(result?.holders);

test('HolderScan reports every holder and all pids when it first looks', () => {
  const { first, scan } = setUp({ 7: { sockets: [70, 71] }, 8: { sockets: [70] } });
  assert.deepEqual(found(first), ['70:7', '70:8', '71:7']);
  assert.deepEqual([...first!.report!.pids].sort(), [7, 8]);
  assert.equal(first!.report!.startedUs, SECOND);
  assert.equal(scan.isRunning, false);
});

test('HolderScan does nothing until somebody wishes or ten seconds have passed', () => {
  const { fixture, scan } = setUp({ 7: { sockets: [70] } });
  assert.equal(scan.step(SLICE_US), undefined);
  fixture.now += 9 * SECOND;
  assert.deepEqual(found(scan.step(SLICE_US)), ['70:7'], 'the periodic scan repeats what is known');
});

test('HolderScan finds the holder of a socket that is wished for', () => {
  const { fixture, scan, into } = setUp({ 7: { sockets: [70] } });
  fixture.add(9, { sockets: [90] });
  scan.want(90, into);
  assert.equal(scan.hasWishes, true);
  assert.deepEqual(found(scan.step(SLICE_US)), ['90:9']);
  assert.equal(scan.hasWishes, false);
});

test('HolderScan tells holders that are new although nobody asked: their socket may be seen later', () => {
  const { fixture, scan } = setUp({ 7: { sockets: [70] } });
  fixture.add(9, { sockets: [90, 91] });
  scan.wantNew(90);
  assert.deepEqual(found(scan.step(SLICE_US)), ['90:9', '91:9']);
  fixture.now += SECOND;
  scan.wantNew(91);
  assert.equal(scan.step(SLICE_US), undefined, '91 has been told already');
});

test('HolderScan tells a new holder of a known socket when another scan meets it', () => {
  const { fixture, scan } = setUp({ 7: { sockets: [70] } });
  fixture.add(9, { sockets: [70, 90] });
  scan.wantNew(90);
  assert.deepEqual(found(scan.step(SLICE_US)), ['70:9', '90:9']);
});

test('HolderScan looks at known holders again when a flow asks, without a scan', () => {
  const { scan, into } = setUp({ 7: { sockets: [70] }, 8: { sockets: [80] } });
  scan.want(70, into);
  assert.deepEqual(pairs(into), ['70:7']);
  assert.equal(into.seenUs[0], 2 * SECOND);
  assert.equal(scan.hasWishes, false);
});

test('HolderScan finds the child that shares a known socket after a fork', () => {
  const { fixture, scan, into } = setUp({ 7: { sockets: [70] } });
  fixture.end(7);
  fixture.add(7, { sockets: [70], children: [9] });
  fixture.add(9, { sockets: [70] });
  scan.want(70, into);
  assert.deepEqual(pairs(into), ['70:7', '70:9']);
});

test('HolderScan scans again when a known holder has let go of the socket', () => {
  const { fixture, scan, into } = setUp({ 7: { sockets: [70] } });
  fixture.end(7);
  fixture.add(9, { sockets: [70] });
  scan.want(70, into);
  assert.equal(scan.hasWishes, true);
  assert.deepEqual(found(scan.step(SLICE_US)), ['70:9']);
});

test('HolderScan gives an inode up after three scans in vain, until it looks at everything again', () => {
  const { fixture, scan } = setUp({ 7: {} });
  const tries = (): number => {
    let scans = 0;
    for (scan.wantNew(99); scan.hasWishes; fixture.now += SECOND / 10) scans += scan.step(SLICE_US) ? 1 : 0;
    return scans;
  };
  assert.equal(tries(), 3);
  assert.equal(tries(), 0);
  fixture.now += 10 * SECOND;
  scan.step(SLICE_US);
  fixture.now += SECOND;
  assert.equal(tries(), 3);
});

test('HolderScan never looks for inode 0, which TIME_WAIT and orphans have', () => {
  const { scan, into } = setUp({ 7: {} });
  scan.want(0, into);
  scan.wantNew(0);
  assert.equal(scan.hasWishes, false);
});

test('HolderScan rests between two scans', () => {
  const { fixture, scan } = setUp({ 7: {} });
  scan.wantNew(99);
  scan.step(SLICE_US); // the likely processes
  assert.ok(scan.step(SLICE_US) !== undefined);
  fixture.now += 49_999;
  assert.equal(scan.step(SLICE_US), undefined);
  fixture.now += 1;
  assert.ok(scan.step(SLICE_US) !== undefined);
});

test('HolderScan looks at new processes and at those that had such a socket before it looks at all', () => {
  const { fixture, scan } = setUp({ 7: { sockets: [70] }, 8: {} });
  const proc = fixture.proc;
  const read: string[] = [];
  const readDir = proc.readDir.bind(proc);
  proc.readDir = (path) => {
    if (path.endsWith('/fd')) read.push(path);
    return readDir(path);
  };
  scan.wantNew(99); // makes it remember how many descriptors everybody has
  scan.step(SLICE_US);
  fixture.now += SECOND;
  scan.step(SLICE_US);
  fixture.add(9, { sockets: [90] });
  fixture.now += SECOND;
  read.length = 0;
  scan.wantNew(90);
  assert.deepEqual(found(scan.step(SLICE_US)), ['90:9']);
  assert.deepEqual(read, ['9/fd']);

  fixture.end(9);
  fixture.add(9, { sockets: [91] }); // one closed, another opened: as many as before
  fixture.now += SECOND;
  read.length = 0;
  scan.wantNew(91);
  assert.deepEqual(found(scan.step(SLICE_US)), ['91:9']);
  assert.deepEqual(read, ['9/fd']);
});

test('HolderScan looks at all processes only for sockets that are still open', () => {
  const open = new Set([98, 99]);
  const fixture = procFixture({ 7: {} });
  remove = fixture.remove;
  const scan = new HolderScan(fixture.proc, fixture.nowUs, (inode) => open.has(inode));
  scan.step(SLICE_US);
  fixture.now += SECOND;
  for (const inode of [97, 98]) scan.wantNew(inode);
  assert.equal(scan.step(SLICE_US), undefined, 'nobody who is likely has them');
  open.delete(98);
  assert.equal(scan.step(SLICE_US), undefined);
  assert.equal(scan.hasWishes, false);
  scan.wantNew(99);
  fixture.now += SECOND;
  scan.step(SLICE_US);
  assert.ok(scan.step(SLICE_US)?.report !== undefined);
});

test('HolderScan looks at likely processes in the midst of a scan of all', () => {
  const fixture = procFixture(Object.fromEntries([7, 8, 9].map((pid) => [pid, { sockets: [pid * 10] }])));
  remove = fixture.remove;
  const scan = new HolderScan(fixture.proc, () => {
    fixture.now += 1_000;
    return fixture.now;
  });
  assert.equal(scan.step(2_000), undefined);
  fixture.add(10, { sockets: [100] });
  scan.wantNew(100);
  let result: ScanResult | undefined;
  while (result === undefined) result = scan.step(2_000);
  assert.ok(found(result).includes('100:10'));
  assert.equal(result.report, null);
  assert.equal(scan.isRunning, true);
});

test('HolderScan does not look for sockets whose holders others saw', () => {
  const { scan } = setUp({ 7: {} });
  scan.learn(makeHolders([90, 9, SECOND]));
  scan.wantNew(90);
  assert.equal(scan.hasWishes, false);
});

test('HolderScan works in slices, and serves what was wished for meanwhile with the next scan', () => {
  const fixture = procFixture(Object.fromEntries([7, 8, 9].map((pid) => [pid, { sockets: [pid * 10] }])));
  remove = fixture.remove;
  const scan = new HolderScan(fixture.proc, () => {
    fixture.now += 1_000; // each look at the clock takes a millisecond
    return fixture.now;
  });
  assert.equal(scan.step(2_000), undefined);
  assert.equal(scan.isRunning, true);
  scan.wantNew(999);
  let result: ScanResult | undefined;
  for (let slices = 1; result === undefined; slices++) {
    assert.ok(slices < 20);
    result = scan.step(2_000);
  }
  assert.deepEqual(found(result), ['70:7', '80:8', '90:9']);
  assert.equal(scan.hasWishes, true, 'the scan may have passed its holder already');
});

test('HolderScan names the users whose descriptors it may not read, and those of whom only some; a zombie has none to read', () => {
  const fixture = procFixture({ 6: { uid: 5, state: 'Z' }, 7: { uid: 5 }, 8: { uid: 6 }, 9: { uid: 6 } });
  remove = fixture.remove;
  class GuardedFs extends ProcFs {
    override readDir(path: string): string[] | undefined {
      if (path !== '7/fd' && path !== '8/fd') return super.readDir(path);
      this.counts.denied++; // EACCES, which root never sees
      return undefined;
    }
  }
  const report = new HolderScan(new GuardedFs(fixture.proc.root), fixture.nowUs).step(SLICE_US)?.report;
  assert.deepEqual(report?.deniedUids, [5]);
  assert.deepEqual(report?.partlyDeniedUids, [6]);
});
