import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { NewbornScan } from '../../../../../src/app/record/observe/newborn-scan.ts';
import { copyRow } from '../../../../../src/core/columns.ts';
import { SOCKET_COLUMNS } from '../../../../../src/core/socket.ts';
import { makeSockets } from '../../../../support/facts.ts';
import { type ProcessLiteral, procFixture } from '../../../../support/proc-fixture.ts';

const SERVER = { comm: 'server', startTicks: 5, uid: 33, argv: ['server', '-d'] } as const;
const CLIENT = { local: ['127.0.0.1', 40000], remote: ['127.0.0.1', 80], seenUs: 1 } as const;

let remove = (): void => undefined;
afterEach(() => remove());

/** The clock stands at one second: a process born now has start ticks 100. */
function setUp(processes: Readonly<Record<number, ProcessLiteral>>) {
  const fixture = procFixture(processes);
  remove = fixture.remove;
  const dumps: number[][] = []; // inodes that were found
  const open = makeSockets({ ...CLIENT, inode: 70 }, { ...CLIENT, local: ['127.0.0.1', 40001], inode: 71 });
  const scan = new NewbornScan({
    proc: fixture.proc,
    nowUs: fixture.nowUs,
    dump(isWanted, out) {
      const found = [0, 1].filter((row) => isWanted(open.inode[row]!));
      for (const row of found) copyRow(SOCKET_COLUMNS, open, row, out);
      dumps.push(found.map((row) => open.inode[row]!));
    },
  });
  const look = (afterUs = 0): string[] => {
    fixture.now += afterUs;
    scan.look();
    facts = scan.take();
    const { holders } = facts;
    return Array.from({ length: holders.count }, (_, i) => `${holders.inode[i]}:${holders.pid[i]}`);
  };
  let facts = scan.take();
  return { fixture, scan, look, dumps, facts: () => facts };
}

test('NewbornScan tells what a new process still holds at the second look, and who it is', () => {
  const { scan, look, facts } = setUp({ 6: SERVER, 7: { comm: 'server', startTicks: 100, sockets: [70] } });
  scan.born(7, 6, 1_000_000);
  assert.deepEqual(look(), [], 'it may hand it on at once');
  assert.deepEqual(look(1_000), ['70:7']);
  const { startTicks, fd, seenUs } = facts().holders;
  assert.deepEqual([startTicks[0], fd[0], seenUs[0]], [100, 3, 1_001_000]);
  const [process] = facts().processes;
  assert.deepEqual(
    [process?.pid, process?.parentPid, process?.exe, process?.argv, process?.uid, process?.forked],
    [7, 6, '/usr/bin/server', ['server', '-d'], 1000, false],
    'all but the user is from the parent',
  );
});

test('NewbornScan does not tell who handed a socket on between two looks', () => {
  const { scan, look, fixture } = setUp({ 7: { startTicks: 100, sockets: [70] }, 8: { startTicks: 100 } });
  scan.born(7, 6, 1_000_000);
  scan.born(8, 6, 1_000_000);
  look();
  for (const pid of [7, 8]) fixture.end(pid);
  fixture.add(7, { startTicks: 100 });
  fixture.add(8, { startTicks: 100, sockets: [70] });
  assert.deepEqual(look(1_000), []);
  assert.deepEqual(look(2_000), ['70:8']);
});

test('NewbornScan reads a process that has called exec by itself', () => {
  const { scan, look, facts } = setUp({ 6: SERVER, 7: { comm: 'curl', startTicks: 100, sockets: [70] } });
  scan.born(7, 6, 1_000_000);
  scan.execed(7);
  look();
  assert.deepEqual(look(1_000), [], 'the look at birth is in vain by now');
  assert.deepEqual(look(2_000), ['70:7']);
  assert.deepEqual([facts().processes[0]?.comm, facts().processes[0]?.exe], ['curl', '/usr/bin/curl']);
});

test('NewbornScan tells the parent too where it holds the same socket under the same number', () => {
  const { scan, look, facts } = setUp({
    1: { ...SERVER, sockets: [80, 90] },
    7: { comm: 'server', startTicks: 100, sockets: [80, 70] },
  });
  scan.born(7, 1, 1_000_000); // 1 stands in its stat as well
  look();
  assert.deepEqual(look(1_000), ['80:7', '70:7', '80:1']);
  assert.deepEqual([facts().holders.startTicks[2], facts().holders.fd[2]], [5, 3]);
  const told = facts().processes.map(({ pid, forked }) => `${pid} ${forked}`);
  assert.deepEqual(told, ['7 false', '1 true']);
});

test('NewbornScan is silent about what it told already, and about processes without sockets', () => {
  const { scan, look, fixture } = setUp({ 7: { startTicks: 100, sockets: [70] }, 8: { startTicks: 100 } });
  scan.born(7, 6, 1_000_000);
  scan.born(8, 6, 1_000_000);
  look();
  fixture.end(7);
  fixture.add(7, { startTicks: 100, sockets: [70, 71] });
  assert.deepEqual(look(1_000), ['70:7']);
  assert.deepEqual(look(2_000), ['71:7']);
});

test('NewbornScan looks for the tuples of what it tells, once', () => {
  const { scan, look, dumps, facts } = setUp({ 7: { startTicks: 100, sockets: [70, 99] } });
  scan.born(7, 6, 1_000_000);
  look();
  assert.deepEqual(dumps, []);
  look(1_000);
  assert.deepEqual([dumps, facts().sockets.count, facts().sockets.inode[0]], [[[70]], 1, 70]);
  look(2_000);
  assert.equal(dumps.length, 1);
});

test('NewbornScan does not look at who has ended', () => {
  const { scan, look } = setUp({ 7: { startTicks: 100, sockets: [70] } });
  scan.born(7, 6, 1_000_000);
  look();
  scan.ended(7);
  assert.deepEqual(look(1_000), []);
});

test('NewbornScan says nothing of a process that began at another time: its pid was used again', () => {
  const { scan, look } = setUp({ 7: { startTicks: 90, sockets: [70] } });
  scan.born(7, 6, 1_000_000);
  look();
  assert.deepEqual(look(1_000), []);
});

test('NewbornScan leaves looks out, and counts them, when looking takes too long', () => {
  const { scan, fixture } = setUp({ 7: { startTicks: 100, sockets: [70] } });
  const readDir = fixture.proc.readDir.bind(fixture.proc);
  let reads = 0;
  fixture.proc.readDir = (path) => {
    fixture.now += 60_000;
    reads++;
    return readDir(path);
  };
  for (let pid = 10; pid < 20; pid++) scan.born(pid, 6, 1_000_000);
  scan.look();
  assert.ok(reads < 5);
  assert.equal(reads + scan.skipped, 10);
  reads = 0;
  fixture.now += 1_000_000;
  scan.look();
  assert.ok(reads > 0, 'after a rest it looks again');
});

test('NewbornScan tells of a child that was gone before anybody looked with what its parent has, and the parent with it', () => {
  const { scan, look, facts, fixture } = setUp({ 6: { ...SERVER, sockets: [80] } });
  scan.born(7, 6, 1_000_000);
  fixture.now += 500;
  scan.ended(7);
  assert.deepEqual(look(), ['80:7', '80:7', '80:6']);
  const { seenUs, startTicks } = facts().holders;
  assert.deepEqual([...seenUs.subarray(0, 3)], [1_000_000, 1_000_500, 1_000_500], 'from its birth to its end');
  assert.deepEqual([...startTicks.subarray(0, 3)], [100, 100, 5]);
  const told = facts().processes.map(({ pid, exe, forked }) => `${pid} ${exe} ${forked}`);
  assert.deepEqual(told, ['7 /usr/bin/server false', '6 /usr/bin/server true']);
});

test('NewbornScan tells of a child that was seen once only what it had then, and its parent too', () => {
  const { scan, look, fixture } = setUp({
    6: { ...SERVER, sockets: [80, 90] },
    7: { startTicks: 100, sockets: [70, 80] },
  });
  scan.born(7, 6, 1_000_000);
  look();
  fixture.end(7);
  scan.ended(7);
  assert.deepEqual(look(), ['80:7', '80:7', '80:6'], 'its own 70 it may have handed on; 90 it had not');
});

test('NewbornScan says nothing of the end of a child that executed another program, else that it had its sockets until then', () => {
  const { scan, look } = setUp({ 6: { ...SERVER, sockets: [80] }, 8: { startTicks: 100, sockets: [80] } });
  scan.born(7, 6, 1_000_000);
  scan.execed(7);
  scan.ended(7);
  assert.deepEqual(look(), []);
  scan.born(8, 6, 1_000_000);
  look();
  assert.deepEqual(look(1_000), ['80:8']);
  scan.ended(8);
  assert.deepEqual(look(), ['80:8', '80:8', '80:6']);
});

test('NewbornScan gives nothing of a process to a child that is older: the pid of the parent was used again', () => {
  const { scan, look } = setUp({ 6: { ...SERVER, startTicks: 101, sockets: [80] } });
  scan.born(7, 6, 1_000_000);
  scan.ended(7);
  assert.deepEqual(look(), []);
});
