import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Observer } from '../../../../../src/app/record/observe/observer.ts';
import type { SocketSource } from '../../../../../src/app/record/observe/socket-source.ts';
import { parseAddress } from '../../../../../src/core/address.ts';
import { createColumns, pushRow } from '../../../../../src/core/columns.ts';
import { FRESH_COLUMNS, type FreshColumns } from '../../../../../src/core/flow.ts';
import { type ClosedColumns, SOCKET_COLUMNS, type SocketColumns, SocketState } from '../../../../../src/core/socket.ts';
import { equalKeys, KEY_WORDS, Protocol } from '../../../../../src/core/tuple.ts';
import type { SocketEnds } from '../../../../../src/linux/socket-ends.ts';
import {
  type Endpoint,
  makeHolders,
  makeKey,
  makeProcess,
  makeSockets,
  type SocketLiteral,
} from '../../../../support/facts.ts';
import { type ProcessLiteral, procFixture } from '../../../../support/proc-fixture.ts';

const HOST = '192.0.2.1';
const PEER = '198.51.100.9';
const CLIENT: SocketLiteral = { local: [HOST, 40000], remote: [PEER, 443], inode: 70, seenUs: 1 };

let remove = (): void => undefined;
afterEach(() => remove());

/** A source of literals: find() by tuple, poll() gives what is in `due` once. */
function fakeSource() {
  const source = {
    sockets: [] as SocketLiteral[],
    due: [] as SocketLiteral[],
    wantsOwners: false,
    found: [] as number[], // protocols asked for
    lost: 0,
    poll(out: SocketColumns): boolean {
      for (const socket of source.due.splice(0)) copy(makeSockets(socket), 0, out);
      return source.wantsOwners;
    },
    find(key: Int32Array, out: SocketColumns): boolean {
      source.found.push(key[0]! & 0xff);
      const all = makeSockets(...source.sockets);
      const row = source.sockets.findIndex((_, i) => equalKeys(all.key, i * KEY_WORDS, key, 0));
      if (row >= 0) copy(all, row, out);
      return row >= 0;
    },
  } satisfies SocketSource & Record<string, unknown>;
  return source;
}

function copy(from: SocketColumns, i: number, to: SocketColumns): void {
  const row = pushRow(to);
  to.key.set(from.key.subarray(i * KEY_WORDS, (i + 1) * KEY_WORDS), row * KEY_WORDS);
  for (const name of Object.keys(SOCKET_COLUMNS) as (keyof typeof SOCKET_COLUMNS)[])
    if (name !== 'key') to[name][row] = from[name][i]!;
}

function setUp(processes: Readonly<Record<number, ProcessLiteral>>) {
  const fixture = procFixture(processes);
  remove = fixture.remove;
  const [first, second] = [fakeSource(), fakeSource()];
  const host = { unicast: [parseAddress(HOST)!], broadcast: [parseAddress('192.0.2.255')!] };
  const observer = new Observer({
    proc: fixture.proc,
    sources: [first, second],
    readAddresses: () => host,
    nowUs: fixture.nowUs,
  });
  return { fixture, observer, first, second, host };
}

function fresh(src: Endpoint, dst: Endpoint): FreshColumns {
  const columns = createColumns(FRESH_COLUMNS);
  columns.key.set(makeKey(Protocol.Tcp, src, dst), pushRow(columns) * KEY_WORDS);
  return columns;
}

const inodes = (sockets: SocketColumns | undefined): number[] => [...(sockets?.inode ?? [])].slice(0, sockets?.count);

test('Observer begins with the addresses, all holders and their processes', () => {
  const { observer, host } = setUp({ 42: { comm: 'curl', argv: ['curl', 'x'], sockets: [70] } });
  const facts = observer.step();
  assert.equal(facts?.addresses, host);
  assert.deepEqual([facts?.holders.inode[0], facts?.holders.pid[0]], [70, 42]);
  assert.deepEqual(
    facts?.processes.map(({ pid, comm, argv, uid }) => ({ pid, comm, argv, uid })),
    [{ pid: 42, comm: 'curl', argv: ['curl', 'x'], uid: 1000 }],
  );
  assert.equal(facts?.last, false);
});

test('Observer is silent while there is nothing new, except for the last time', () => {
  const { observer, fixture } = setUp({ 42: {} });
  observer.step();
  fixture.now += 100_000;
  assert.equal(observer.step(), undefined);
  const last = observer.step('last');
  assert.equal(last?.last, true);
  assert.equal(last?.sockets.count, 0);
});

test('Observer tells which sockets have ended', () => {
  const fixture = procFixture({});
  remove = fixture.remove;
  const { proc, nowUs } = fixture;
  const read = (out: ClosedColumns): void => {
    out.cookie[pushRow(out)] = 9;
  };
  const ends = { lost: 2, read } as unknown as SocketEnds;
  const readAddresses = () => ({ unicast: [], broadcast: [] });
  const facts = new Observer({ proc, sources: [], readAddresses, nowUs, ends }).step();
  assert.deepEqual([facts?.closed.count, facts?.closed.cookie[0], facts?.factsLost], [1, 9, 2]);
});

test('Observer tells addresses again only when they changed', () => {
  const { observer, fixture, host } = setUp({ 42: {} });
  observer.step();
  fixture.now += 2_000_000;
  assert.equal(observer.step(), undefined);
  host.unicast.push(parseAddress('192.0.2.77')!);
  fixture.now += 2_000_000;
  assert.deepEqual(observer.step()?.addresses?.unicast.length, 2);
});

test('Observer looks up a new flow at the end that is here, and its holder with it', () => {
  const { observer, fixture, first } = setUp({ 42: { sockets: [70] } });
  observer.step();
  fixture.now += 500_000;
  first.sockets.push(CLIENT);
  observer.serveFresh(fresh([PEER, 443], [HOST, 40000])); // the packet that came first was the answer
  const facts = observer.step();
  assert.deepEqual(inodes(facts?.sockets), [70]);
  assert.equal(facts?.holders.pid[0], 42);
  assert.equal(facts?.processes[0]?.pid, 42);
  assert.equal(first.found.length, 1, 'the other end is not of this host');
});

test('Observer looks up both ends on loopback', () => {
  const { observer, first } = setUp({ 42: {} });
  observer.step();
  observer.serveFresh(fresh(['127.0.0.1', 1], ['127.0.0.1', 2]));
  assert.equal(first.found.length, 2);
});

test('Observer asks the next source only when the stronger one knows nothing', () => {
  const { observer, first, second } = setUp({ 42: {} });
  observer.step();
  second.sockets.push(CLIENT);
  observer.serveFresh(fresh(CLIENT.local, CLIENT.remote!));
  assert.deepEqual([first.found.length, second.found.length], [1, 1]);
  first.sockets.push(CLIENT);
  observer.serveFresh(fresh(CLIENT.local, CLIENT.remote!));
  assert.deepEqual([first.found.length, second.found.length], [2, 1]);
});

test('Observer looks again for a connection that nobody had accepted yet', () => {
  const { observer, fixture, first } = setUp({ 42: { sockets: [80] } });
  observer.step();
  fixture.now += 500_000;
  const waiting = { local: [HOST, 80], remote: [PEER, 5555], seenUs: 1 } as const;
  first.sockets.push({ ...waiting, inode: 0, state: SocketState.Established });
  observer.serveFresh(fresh([PEER, 5555], [HOST, 80]));
  assert.deepEqual(inodes(observer.step()?.sockets), [0]);
  assert.equal(observer.hasWishes, true);
  assert.ok(observer.restMs < 50);
  first.sockets.splice(0, 1, { ...waiting, inode: 80 });
  fixture.now += 20_000;
  const facts = observer.step();
  assert.deepEqual(inodes(facts?.sockets), [80]);
  assert.equal(facts?.holders.pid[0], 42);
});

test('Observer looks for the holders of polled sockets when their source wants that', () => {
  const { observer, fixture, first } = setUp({ 42: {} });
  observer.step();
  fixture.now += 500_000;
  fixture.add(43, { sockets: [90] });
  first.due.push({ ...CLIENT, inode: 90 });
  assert.equal(observer.step()?.holders.count, 0);
  first.wantsOwners = true;
  first.due.push({ ...CLIENT, inode: 90 });
  assert.equal(observer.step()?.holders.pid[0], 43);
});

test('Observer reads a process again with each look at it, one that lives long at most once a second', () => {
  const { observer, first, fixture } = setUp({
    42: { startTicks: 100, sockets: [70] },
    43: { startTicks: 900, sockets: [70] },
    44: { startTicks: 100, sockets: [70], children: [1] },
  });
  first.sockets = [CLIENT];
  const told = (afterUs: number): number[] => {
    fixture.now += afterUs;
    observer.serveFresh(fresh([HOST, 40000], [PEER, 443]));
    const facts = observer.step();
    assert.equal(facts?.holders.count, 3);
    return facts.processes.map(({ pid }) => pid).sort();
  };
  assert.deepEqual(told(9_000_000), [42, 43, 44]);
  assert.deepEqual(told(200_000), [43]);
  fixture.end(42);
  fixture.add(42, { startTicks: 100, sockets: [70], children: [2] });
  assert.deepEqual(told(200_000), [42, 43], 'it has forked since');
  assert.deepEqual(told(1_000_000), [42, 43, 44]);
});

test('Observer does not read a process again that has slept since', () => {
  const slept = { startTicks: 100, sockets: [70], ran: '500 0 3\n' };
  const { observer, fixture, first } = setUp({ 42: slept });
  first.sockets = [CLIENT];
  const told = (afterUs: number): number[] => {
    fixture.now += afterUs;
    observer.serveFresh(fresh([HOST, 40000], [PEER, 443]));
    return (observer.step()?.processes ?? []).map(({ pid }) => pid);
  };
  assert.deepEqual(told(9_000_000), [42]);
  assert.deepEqual(told(2_000_000), []);
  fixture.end(42);
  fixture.add(42, { ...slept, ran: '600 0 4\n' });
  assert.deepEqual(told(2_000_000), [42], 'it ran, perhaps another program');
  assert.deepEqual(told(2_000_000), []);
  assert.deepEqual(told(60_000_000), [42]);
});

test('Observer calls a process with a living child forked, and adds up what its sources lost', () => {
  const { observer, first, second } = setUp({ 42: { sockets: [70], children: [43] } });
  first.lost = 2;
  second.lost = 3;
  const facts = observer.step();
  assert.equal(facts?.processes[0]?.forked, true);
  assert.equal(facts?.factsLost, 5);
});

test('Observer passes on what was seen of a new process, and does not look for its sockets any more', () => {
  const { observer, fixture, first } = setUp({ 42: {} });
  observer.step();
  fixture.now += 500_000;
  const processes = [makeProcess(43)];
  const seen = { sockets: makeSockets(CLIENT), holders: makeHolders([70, 43, 9]), processes };
  observer.takeNewborns({ ...seen, lost: 2, skipped: 300 });
  first.sockets.push(CLIENT);
  observer.serveFresh(fresh(CLIENT.local, CLIENT.remote!));
  const facts = observer.step();
  assert.deepEqual(inodes(facts?.sockets), [70, 70]);
  assert.deepEqual([facts?.holders.inode[0], facts?.holders.pid[0]], [70, 43]);
  assert.deepEqual([facts?.processes, facts?.factsLost, facts?.looksSkipped], [processes, 2, 300]);
});
