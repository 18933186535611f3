/** The observer where BPF programs run: what they tell is not looked for. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { KernelReader } from '../../../../src/app/record/observe/kernel-reader.ts';
import { KernelWatch } from '../../../../src/app/record/observe/kernel-watch.ts';
import { Observer } from '../../../../src/app/record/observe/observer.ts';
import { createColumns, pushRow } from '../../../../src/core/columns.ts';
import { FRESH_COLUMNS, type FreshColumns } from '../../../../src/core/flow.ts';
import { EXIT_COLUMNS } from '../../../../src/core/process.ts';
import { OwnerEvidence, SocketEvent } from '../../../../src/core/socket.ts';
import { KEY_WORDS, Protocol } from '../../../../src/core/tuple.ts';
import { makeKey, makeProcess } from '../../../support/facts.ts';
import { procFixture } from '../../../support/proc-fixture.ts';
import { makeEvents } from '../../../support/ring-events.ts';

let remove = (): void => undefined;
afterEach(() => remove());

const BY_42 = { pid: 42, startTicks: 420, cookie: 5, atUs: 990_000, evidence: OwnerEvidence.Called };
const TUPLE = { local: ['127.0.0.1', 40000], remote: ['127.0.0.1', 80] } as const;

function setUp(layer: 'bpf' | 'cgroup', takesSnapshots: boolean) {
  const fixture = procFixture({ 42: { sockets: [70] } });
  remove = fixture.remove;
  const asked: number[] = []; // local ports
  const kernel = { snapshots: 0, lost: Float64Array.of(0, 0), isBehind: false };
  const reader: Partial<KernelReader> = {
    layer,
    takesSnapshots,
    readProcesses: () => undefined,
    readSockets: () => undefined,
    snapshot: () => {
      kernel.snapshots++;
      return 0;
    },
    readLost: () => kernel.lost,
  };
  const { proc, nowUs } = fixture;
  const ownNetns = { cookie: 0, inode: 0 };
  const watch = new KernelWatch({ reader: reader as KernelReader, proc, findCgroup: () => undefined, ownNetns, nowUs });
  const source = {
    lost: 0,
    poll: () => false,
    find(key: Int32Array, out: { count: number; capacity: number }): boolean {
      asked.push(key[1]! >>> 16);
      pushRow(out);
      return true;
    },
  };
  const readAddresses = () => ({ unicast: [], broadcast: [] });
  const observer = new Observer({
    proc,
    sources: [source],
    readAddresses,
    nowUs,
    kernel: watch,
    isBehind: () => kernel.isBehind,
  });
  observer.step();
  return { fixture, kernel, observer, asked };
}

function fresh(): FreshColumns {
  const columns = createColumns(FRESH_COLUMNS);
  columns.key.set(makeKey(Protocol.Tcp, TUPLE.local, TUPLE.remote), pushRow(columns) * KEY_WORDS);
  return columns;
}

test('Observer looks nothing up where the kernel tells who sends and receives', () => {
  const { fixture, observer, asked } = setUp('bpf', true);
  observer.serveFresh(fresh());
  fixture.now += 3_000_000;
  observer.step();
  assert.deepEqual(asked, []);
  assert.equal(observer.hasWishes, false);
  assert.equal(observer.restMs, 500);
});

test('Observer sends what the kernel told, with the processes behind it', () => {
  const { observer } = setUp('bpf', true);
  observer.takeEvents(makeEvents({ ...BY_42, ...TUPLE }, { kind: SocketEvent.Closed, cookie: 5, atUs: 999_000 }));
  const facts = observer.step();
  assert.deepEqual([facts?.sockets.count, facts?.owners.pid[0], facts?.closed.cookie[0]], [1, 42, 5]);
  assert.deepEqual(
    facts?.processes.map(({ pid }) => pid),
    [42],
  );
  assert.equal(facts?.exits.count, createColumns(EXIT_COLUMNS).count);
  assert.equal(observer.step(), undefined);
});

test('Observer says in which interval events were lost, and counts them', () => {
  const { fixture, kernel, observer } = setUp('bpf', true);
  kernel.lost[0] = 4;
  fixture.now += 100_000;
  const facts = observer.step();
  assert.deepEqual([facts?.lost, facts?.factsLost], [{ fromUs: 1_000_000, toUs: 1_100_000 }, 4]);
});

test('Observer drops rows while main has too many of them, and says for which time', () => {
  const { fixture, kernel, observer } = setUp('bpf', true);
  kernel.isBehind = true;
  fixture.now += 50_000;
  observer.takeEvents(makeEvents({ ...BY_42, ...TUPLE }));
  const facts = observer.step();
  assert.deepEqual([facts?.sockets.count, facts?.owners.count, facts?.factsLost], [0, 0, 2]);
  assert.deepEqual(facts?.lost, { fromUs: 1_000_000, toUs: 1_050_000 });
  kernel.isBehind = false;
  fixture.now += 250_000;
  observer.step();
  assert.equal(kernel.snapshots, 2, 'to make up for it');
});

test('Observer gives programs that do not see accept() 20 ms, then looks up the ends without an owner', () => {
  const { fixture, observer, asked } = setUp('cgroup', false);
  observer.takeEvents(makeEvents({ ...BY_42, ...TUPLE }));
  observer.serveFresh(fresh());
  observer.step();
  assert.deepEqual(asked, []);
  fixture.now += 20_000;
  observer.step();
  assert.deepEqual(asked, [80], 'the client is known');
});

test('Observer has a snapshot taken for a socket that it looked up, where the kernel can', () => {
  const { fixture, kernel, observer } = setUp('cgroup', true);
  assert.equal(kernel.snapshots, 1);
  observer.serveFresh(fresh());
  fixture.now += 250_000;
  observer.step();
  assert.equal(kernel.snapshots, 2);
});

test('Observer knows processes by what the thread for new ones read of them', () => {
  const { observer } = setUp('cgroup', false);
  const nothing = makeEvents();
  observer.takeEvents(makeEvents({ ...BY_42, ...TUPLE, pid: 99, startTicks: 0 }));
  assert.equal(observer.step()?.owners.count, 0);
  const { sockets, holders } = observer.step('last')!;
  observer.takeNewborns({ sockets, holders, processes: [makeProcess(99, { startTicks: 99 })], lost: 0, skipped: 0 });
  observer.takeEvents(nothing);
  assert.deepEqual([observer.step()?.owners.pid[0]], [99]);
});
