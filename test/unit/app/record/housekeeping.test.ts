import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Housekeeping } from '../../../../src/app/record/housekeeping.ts';
import { TickBuilder } from '../../../../src/app/record/tick-builder.ts';
import { HOST, PEER, SRC, setUp as setUpAttributor, words } from '../../../support/attributor.ts';
import { makeHolders, makeProcess, makeSockets } from '../../../support/facts.ts';

const SECOND = 1_000_000;
const COUNT = 60;

/** Sockets of one process, seen at 10 s, and no drain since 5 s. */
function setUp(mostFacts: number, mostHistory?: number) {
  const setup = setUpAttributor();
  const builder = new TickBuilder(setup.attributor, { userName: () => null }, mostHistory);
  const house = new Housekeeping(setup.attributor, builder, mostFacts);
  run(house.keep(5 * SECOND));
  const inodes = Array.from({ length: COUNT }, (_, i) => i + 1);
  const seenUs = 10 * SECOND;
  setup.observe({
    atUs: seenUs,
    processes: [makeProcess(42)],
    sockets: makeSockets(
      ...inodes.map((inode) => ({ local: [HOST, inode] as const, remote: [PEER, 443] as const, inode, seenUs })),
    ),
    holders: makeHolders(...inodes.map((inode) => [inode, 42, seenUs] as const)),
  });
  return { ...setup, builder, house };
}

function run(work: Generator<void>): void {
  for (const _ of work) void _;
}

test('facts wait for flows that are not drained yet, however old they are, while there is room', () => {
  const { house } = setUp(1000);
  assert.equal(house.isCrowded(3600 * SECOND), false);
});

test('without room the oldest facts go, counted, and flows of that time say that their owner may be lost', () => {
  const { attributor, house, flows, answer, of } = setUp(100);
  assert.equal(house.isCrowded(100 * SECOND), true);
  run(house.makeRoom(100 * SECOND));
  assert.deepEqual([attributor.sockets.size, house.forgotten], [COUNT, 0], 'they are young');
  assert.equal(house.isCrowded(101 * SECOND), false, 'it was just looked at');
  run(house.makeRoom(400 * SECOND));
  assert.deepEqual([attributor.sockets.size, attributor.holders.size], [0, 0]);
  assert.deepEqual([house.takeForgotten(), house.takeForgotten(), house.forgotten], [COUNT, 0, COUNT]);
  const tuple = { src: [HOST, 7], dst: [PEER, 443] } as const;
  flows(
    { serial: 1, ...tuple, firstUs: 10 * SECOND, lastUs: 11 * SECOND },
    { serial: 2, ...tuple, firstUs: 399 * SECOND, lastUs: 400 * SECOND },
  );
  answer();
  assert.deepEqual([words(of(1, SRC)), words(of(2, SRC))], ['overflow - unknown', 'no-socket - unknown']);
});

test('a tick that is not taken has room for so many sockets, and the next one for the others', () => {
  const { builder, house } = setUp(100, 40);
  run(house.makeRoom(20 * SECOND));
  assert.equal(builder.take().sockets.count, 40);
  run(house.makeRoom(30 * SECOND));
  assert.equal(builder.take().sockets.count, COUNT - 40);
});
