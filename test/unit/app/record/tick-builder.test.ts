import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BuiltTick, TickBuilder } from '../../../../src/app/record/tick-builder.ts';
import { type Answer, unknown } from '../../../../src/attribution/attribute.ts';
import { FlowSide, MATCHES, REASONS, ROLES } from '../../../../src/core/attribution.ts';
import { createColumns, pushRow } from '../../../../src/core/columns.ts';
import { EXIT_COLUMNS } from '../../../../src/core/process.ts';
import { SOURCES } from '../../../../src/core/socket.ts';
import { HOST, PEER, setUp as setUpAttributor } from '../../../support/attributor.ts';
import { makeClosed, makeHolders, makeProcess, makeSockets, makeTotals } from '../../../support/facts.ts';

const SECOND = 1_000_000;
const OFFSET_US = 1_700_000_000 * SECOND;
const CLIENT_SOCKET = { local: [HOST, 40000], remote: [PEER, 443], inode: 77, cookie: 5 } as const;
const SEEN_US = 3 * SECOND;

/** A builder over an attributor that has seen one socket, in row 0. */
function setUp() {
  const { attributor, observe } = setUpAttributor();
  observe({ atUs: SEEN_US, processes: [makeProcess(42), makeProcess(43)] });
  observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: SEEN_US }) });
  const builder = new TickBuilder(attributor, { userName: (uid) => (uid === 1000 ? 'alice' : null) });
  builder.clock.note(0, OFFSET_US);
  return { attributor, observe, builder };
}

function named(pid: number, more: Parameters<typeof makeProcess>[1] = {}): Answer {
  const process = makeProcess(pid, more);
  return {
    process,
    program: { exe: process.exe, unit: process.unit, container: process.container, uid: process.uid },
    socket: 0,
    holders: [{ process, role: 'actor', fromUs: SEEN_US, toUs: SEEN_US + 1 }],
    evidence: { source: 'diag', match: 'five-tuple', gapUs: 7, holders: 1 },
    reason: null,
    rule: null,
    acted: 0,
  };
}

const ids = ({ processes }: BuiltTick): string[] => processes.map((row) => `${row.id}:${row.process.pid}`);

test('TickBuilder writes an answer with the codes of its evidence and the ids of its rows', () => {
  const { builder } = setUp();
  builder.addAnswer(9, FlowSide.Dst, named(42));
  const { ends, programs, processes, users, sockets } = builder.take();
  assert.deepEqual(
    [ends.count, ends.serial[0], ends.side[0], ends.process[0], ends.program[0], ends.socket[0]],
    [1, 9, FlowSide.Dst, 1, 1, 1],
  );
  assert.equal(SOURCES[ends.source[0]!], 'diag');
  assert.equal(MATCHES[ends.match[0]!], 'five-tuple');
  assert.equal(REASONS[ends.reason[0]!], null);
  assert.deepEqual([ends.netns[0], ends.holders[0], ends.gapUs[0]], [4026531840, 1, 7]);
  assert.deepEqual(programs, [{ id: 1, exe: '/usr/bin/p42', unit: null, container: null, uid: 1000 }]);
  assert.deepEqual([processes[0]!.program, processes[0]!.firstUs], [1, OFFSET_US + SEEN_US]);
  assert.equal(processes[0]!.exitUs, null);
  assert.deepEqual(users, [{ uid: 1000, name: 'alice' }]);
  assert.deepEqual([sockets.count, sockets.id[0], sockets.inode[0], sockets.process[0]], [1, 1, 77, 1]);
  assert.deepEqual([sockets.fromUs[0], sockets.toUs[0]], [OFFSET_US + SEEN_US, OFFSET_US + SEEN_US]);
});

test('TickBuilder writes an answer without an owner as its reason alone', () => {
  const { builder } = setUp();
  builder.addAnswer(1, FlowSide.Src, unknown('no-socket'));
  const { ends, processes, programs, sockets } = builder.take();
  assert.equal(REASONS[ends.reason[0]!], 'no-socket');
  assert.deepEqual([ends.process[0], ends.program[0], ends.socket[0], ends.source[0], ends.match[0]], [0, 0, 0, 0, 0]);
  assert.deepEqual([processes.length, programs.length, sockets.count], [0, 0, 0]);
});

test('TickBuilder hands each row out once and keeps its id', () => {
  const { builder } = setUp();
  builder.addAnswer(1, FlowSide.Src, named(42));
  assert.deepEqual(ids(builder.take()), ['1:42']);
  builder.addAnswer(2, FlowSide.Src, named(42));
  builder.addAnswer(3, FlowSide.Src, named(43, { exe: '/usr/bin/p42' }));
  const { ends, processes, programs, users, sockets } = builder.take();
  assert.deepEqual([...ends.process.subarray(0, 2)], [1, 2]);
  assert.deepEqual([...ends.program.subarray(0, 2)], [1, 1], 'one program, two processes');
  assert.equal(processes.length, 1);
  assert.deepEqual([programs, users], [[], []]);
  assert.deepEqual([...sockets.id.subarray(0, sockets.count)], [1], 'again, because its process changed');
  assert.equal(builder.take().ends.count, 0);
});

test('TickBuilder takes processes of the same pid apart by their start', () => {
  const { builder } = setUp();
  builder.addAnswer(1, FlowSide.Src, named(42));
  builder.addAnswer(2, FlowSide.Src, named(42, { startTicks: 999 }));
  assert.deepEqual(ids(builder.take()), ['1:42', '2:42']);
});

test('TickBuilder writes a process as it is after exec, once a tick', () => {
  const { builder } = setUp();
  builder.addAnswer(1, FlowSide.Src, named(42));
  builder.addAnswer(2, FlowSide.Src, named(42, { comm: 'curl', exe: '/usr/bin/curl' }));
  const { processes, ends } = builder.take();
  assert.deepEqual(
    processes.map((row) => [row.id, row.program, row.process.comm]),
    [[1, 2, 'curl']],
  );
  assert.deepEqual([...ends.program.subarray(0, 2)], [1, 2], 'each flow keeps the program of its time');
});

test('TickBuilder marks a process that a complete scan no longer saw as exited', () => {
  const { builder } = setUp();
  builder.addAnswer(1, FlowSide.Src, named(42));
  builder.addAnswer(2, FlowSide.Src, named(43));
  builder.take();
  builder.processes.addScan(Uint32Array.of(1, 43), SEEN_US + 6 * SECOND);
  const rows = builder.take().processes;
  const [exited, living] = [42, 43].map((pid) => rows.find((row) => row.process.pid === pid));
  assert.deepEqual([exited?.exitUs, exited?.lastUs], [OFFSET_US + SEEN_US + 6 * SECOND, OFFSET_US + SEEN_US]);
  assert.deepEqual([living?.exitUs, living?.lastUs], [null, OFFSET_US + SEEN_US + 6 * SECOND]);
  builder.addAnswer(3, FlowSide.Src, named(42));
  assert.deepEqual(ids(builder.take()), ['3:42'], 'an id is never used again');
});

test('TickBuilder tells that a process lives every five seconds, not at each scan', () => {
  const { builder } = setUp();
  builder.addAnswer(1, FlowSide.Src, named(42));
  builder.take();
  const told: number[] = [];
  for (let s = 1; s <= 12; s++) {
    builder.processes.addScan(Uint32Array.of(42), SEEN_US + s * SECOND);
    if (builder.take().processes.length > 0) told.push(s);
  }
  assert.deepEqual(told, [5, 10]);
});

test('TickBuilder writes sockets that no flow points at when they are five seconds old, with their holder', () => {
  const { builder, observe } = setUp();
  observe({ holders: makeHolders([77, 42, SEEN_US]) });
  builder.addSockets(SEEN_US + 5 * SECOND - 1);
  assert.equal(builder.take().sockets.count, 0);
  builder.addSockets(SEEN_US + 5 * SECOND);
  const { sockets, processes } = builder.take();
  assert.deepEqual([sockets.count, sockets.process[0], sockets.cookie[0], sockets.uid[0]], [1, 1, 5, 1000]);
  assert.equal(processes[0]!.process.pid, 42);
  builder.addSockets(SEEN_US + 10 * SECOND);
  assert.equal(builder.take().sockets.count, 0, 'it was not seen again');
  observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: SEEN_US + 11 * SECOND }) });
  builder.addSockets(SEEN_US + 12 * SECOND);
  const again = builder.take().sockets;
  assert.deepEqual([again.id[0], again.toUs[0]], [1, OFFSET_US + SEEN_US + 11 * SECOND]);
});

test('TickBuilder writes that a socket was there until its end was heard of', () => {
  const { builder, observe } = setUp();
  observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: SEEN_US + SECOND }) });
  builder.addSockets(SEEN_US + 6 * SECOND);
  const seen = builder.take().sockets;
  observe({ closed: makeClosed([CLIENT_SOCKET.cookie, SEEN_US + 7 * SECOND]) });
  builder.addSockets(SEEN_US + 8 * SECOND);
  const closed = builder.take().sockets;
  assert.deepEqual(
    [seen.toUs[0], closed.toUs[0]],
    [1, 7].map((s) => OFFSET_US + SEEN_US + s * SECOND),
  );
});

test('TickBuilder writes a socket again when the kernel says what it carried, and no more', () => {
  const { builder, observe } = setUp();
  observe({ closed: makeClosed([CLIENT_SOCKET.cookie, SEEN_US + 7 * SECOND]) });
  builder.addSockets(SEEN_US + 8 * SECOND);
  const closed = builder.take().sockets;
  observe({ closed: makeTotals(CLIENT_SOCKET.cookie, [300, 200, 100]) });
  builder.addSockets(SEEN_US + 9 * SECOND);
  const { sockets } = builder.take();
  assert.deepEqual([closed.hasTotals[0], sockets.hasTotals[0], sockets.id[0]], [0, 1, closed.id[0]]);
  assert.deepEqual([sockets.sentBytes[0], sockets.ackedBytes[0], sockets.receivedBytes[0]], [300, 200, 100]);
  assert.equal(sockets.toUs[0], closed.toUs[0], 'when it was closed others told');
  builder.addSockets(SEEN_US + 10 * SECOND);
  assert.equal(builder.take().sockets.count, 0);
});

test('TickBuilder keeps the role that an answer gave, when facts alone say less', () => {
  const { builder, observe } = setUp();
  observe({ holders: makeHolders([77, 42, SEEN_US]) });
  builder.addAnswer(1, FlowSide.Src, named(42));
  const answered = builder.take().sockets;
  observe({ closed: makeTotals(CLIENT_SOCKET.cookie, [300, 200, 100]) });
  builder.addSockets(SEEN_US + 9 * SECOND);
  const again = builder.take().sockets;
  assert.equal(again.hasTotals[0], 1);
  assert.deepEqual([answered.role[0], again.role[0]], [ROLES.indexOf('actor'), ROLES.indexOf('actor')]);
});

test('TickBuilder lists all holders of a shared socket and names none', () => {
  const { builder } = setUp();
  const holders = [42, 43].map((pid) => ({
    process: makeProcess(pid),
    role: 'holder' as const,
    fromUs: SEEN_US,
    toUs: SEEN_US + pid,
  }));
  const evidence = { source: 'diag', match: 'five-tuple', gapUs: 0, holders: 2 } as const;
  builder.addAnswer(1, FlowSide.Src, { ...unknown('ambiguous'), socket: 0, holders, evidence });
  const built = builder.take();
  assert.deepEqual([built.ends.process[0], built.ends.socket[0], built.sockets.process[0]], [0, 1, 0]);
  assert.deepEqual([...built.holders.process.subarray(0, built.holders.count)], [1, 2]);
  assert.deepEqual([built.holders.socket[1], ROLES[built.holders.role[1]!]], [1, 'holder']);
  assert.deepEqual([built.holders.fromUs[1], built.holders.toUs[1]], [OFFSET_US + SEEN_US, OFFSET_US + SEEN_US + 43]);
});

test('TickBuilder keeps who else had to do with a socket whose user is known, and when', () => {
  const { builder } = setUp();
  const answer = named(42);
  const parent = { process: makeProcess(43), role: 'creator', fromUs: SEEN_US - 9, toUs: SEEN_US } as const;
  builder.addAnswer(1, FlowSide.Src, { ...answer, holders: [...answer.holders, parent] });
  const { sockets, holders, processes } = builder.take();
  assert.equal(sockets.process[0], processes.find((row) => row.process.pid === 42)?.id);
  const rows = Array.from({ length: holders.count }, (_, i) => [ROLES[holders.role[i]!], holders.fromUs[i]!]);
  assert.deepEqual(rows, [
    ['actor', OFFSET_US + SEEN_US],
    ['creator', OFFSET_US + SEEN_US - 9],
  ]);
});

test('TickBuilder puts an end into the namespace of its socket, else of its process', () => {
  const { builder, observe } = setUp();
  observe({ sockets: makeSockets({ ...CLIENT_SOCKET, netns: 200, seenUs: SEEN_US }) });
  builder.addAnswer(1, FlowSide.Src, named(42));
  builder.addAnswer(2, FlowSide.Src, { ...named(42), socket: -1 });
  const { ends, sockets } = builder.take();
  assert.deepEqual([ends.netns[0], ends.netns[1], sockets.netns[0]], [200, 4026531840, 200]);
});

test('TickBuilder gives a socket that took the row of a forgotten one an id of its own', () => {
  const { builder } = setUp();
  builder.addAnswer(1, FlowSide.Src, named(42));
  builder.forgetSocket(0);
  builder.addAnswer(2, FlowSide.Src, named(42));
  const { ends } = builder.take();
  assert.deepEqual([...ends.socket.subarray(0, 2)], [1, 2]);
});

test('TickBuilder tells when the kernel saw a process end, also of one that is named afterwards', () => {
  const { builder } = setUp();
  builder.addAnswer(1, FlowSide.Src, named(42));
  builder.take();
  const exits = createColumns(EXIT_COLUMNS, 2);
  for (const pid of [42, 43]) {
    const row = pushRow(exits);
    exits.pid[row] = pid;
    exits.startTicks[row] = makeProcess(pid).startTicks;
    exits.atUs[row] = 5 * SECOND + pid;
  }
  builder.processes.addExits(exits);
  builder.addAnswer(2, FlowSide.Src, named(43));
  const { processes } = builder.take();
  assert.deepEqual(
    processes.map(({ process, exitUs }) => [process.pid, exitUs]),
    [
      [42, OFFSET_US + 5 * SECOND + 42],
      [43, OFFSET_US + 5 * SECOND + 43],
    ],
  );
  builder.processes.addScan(new Uint32Array(0), 9 * SECOND);
  assert.deepEqual(builder.take().processes, []);
});

test('TickBuilder says that a tick has no room for more sockets, and the next one has those that were left', () => {
  const { attributor, observe } = setUpAttributor();
  const ports = [40001, 40002, 40003];
  for (const port of ports)
    observe({
      sockets: makeSockets({ ...CLIENT_SOCKET, local: [HOST, port], inode: port, cookie: port, seenUs: SEEN_US }),
    });
  const builder = new TickBuilder(attributor, { userName: () => null }, 2);
  const add = (): boolean => {
    const adding = builder.addSocketsStepwise(Infinity);
    for (let step = adding.next(); ; step = adding.next()) if (step.done === true) return step.value;
  };
  assert.equal(add(), true);
  assert.equal(builder.take().sockets.count, 2);
  assert.equal(add(), false);
  assert.equal(builder.take().sockets.count, 1);
});
