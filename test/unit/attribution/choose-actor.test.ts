import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chooseActor, type Use } from '../../../src/attribution/choose-actor.ts';
import { OwnerTable } from '../../../src/attribution/owner-table.ts';
import { SocketFlag } from '../../../src/core/socket.ts';
import { makeOwners, type OwnerLiteral } from '../../support/facts.ts';

const COOKIE = 7;
const FIRST = 1_000_000;
const LAST = 1_010_000;
const SECOND = 1_000_000;

type Act = readonly [evidence: OwnerLiteral['evidence'], pid: number, fromUs: number, flags?: number];

/** 'one 42', 'several 42 43', 'kernel' or 'none'. */
function choose(acts: readonly Act[], use: Partial<Use> = {}): string {
  const owners = new OwnerTable();
  const rows = acts.map(([evidence, pid, fromUs, flags = 0]) => ({ cookie: COOKIE, pid, evidence, fromUs, flags }));
  owners.observe(makeOwners(...rows), () => {});
  const alone = { beganIt: true, isCut: false, isHanded: false, handedUs: 0, cutUs: Infinity };
  const flow = { firstUs: FIRST, lastUs: LAST, ...alone, isStream: true, ...use };
  const choice = chooseActor(owners, COOKIE, flow);
  const pids = (found: readonly number[]): string =>
    found
      .map((row) => owners.facts.pid[row]!)
      .sort()
      .join(' ');
  if (choice.kind === 'one') return `one ${pids([choice.row])}`;
  return choice.kind === 'several' ? `several ${pids(choice.rows)}` : choice.kind;
}

const DATAGRAM = { isStream: false } as const;
const SERVER = { isStream: false, beganIt: false } as const;

describe('chooseActor() on a stream', () => {
  test('takes who is told right after a flow that began with a handover, not who had it before', () => {
    const acts: readonly Act[] = [
      ['Transfer', 1, FIRST - 500],
      ['Transfer', 2, LAST + 40],
    ];
    assert.equal(choose(acts, { isHanded: true }), 'one 2');
    assert.equal(choose(acts), 'one 1');
  });

  test('a socket that changed hands is of the process that was told, whenever its octets left', () => {
    const acts: readonly Act[] = [
      ['Transfer', 1, FIRST - SECOND],
      ['Transfer', 2, FIRST - 50],
      ['Transfer', 3, LAST - 20],
    ];
    assert.equal(choose(acts, { cutUs: FIRST - 50, firstUs: FIRST - SECOND - 5, lastUs: FIRST }), 'one 1');
    assert.equal(choose(acts, { handedUs: FIRST - 50, cutUs: LAST - 20 }), 'one 2');
    assert.equal(choose(acts, { handedUs: LAST - 20, firstUs: LAST - 60, isStream: false }), 'one 3');
    assert.equal(choose(acts, { handedUs: FIRST - 50 }), 'several 2 3');
  });

  test('names nobody for whom only a descriptor, a creation or a closing speaks', () => {
    assert.equal(choose([]), 'none');
    assert.equal(
      choose([
        ['Created', 1, FIRST - 5],
        ['Snapshot', 2, FIRST],
        ['State', 3, LAST],
      ]),
      'none',
    );
  });

  test('takes who transferred within the flow, not who connected', () => {
    assert.equal(
      choose([
        ['Called', 1, FIRST - 5],
        ['Transfer', 2, FIRST + 50],
      ]),
      'one 2',
    );
  });

  test('names nobody where another transfers in the flow of one who connected and transferred as well', () => {
    const acts: readonly Act[] = [
      ['Transfer', 1, FIRST - 5],
      ['Transfer', 2, FIRST + 50],
    ];
    assert.equal(choose(acts), 'several 1 2');
    assert.equal(choose(acts, { cutUs: FIRST + 50 }), 'one 1');
    assert.equal(choose(acts, { handedUs: FIRST + 50 }), 'one 2');
  });

  test('takes who connected when nobody transferred', () => {
    assert.equal(
      choose([
        ['Created', 1, FIRST - 9],
        ['Called', 2, FIRST - 5],
      ]),
      'one 2',
    );
  });

  test('takes who transfers after the last packet that is known, when nobody did before', () => {
    assert.equal(choose([['Transfer', 2, LAST + 3 * SECOND]]), 'one 2');
    assert.equal(
      choose([
        ['Called', 1, FIRST - 5],
        ['Transfer', 2, LAST + 3 * SECOND],
      ]),
      'one 2',
    );
  });

  test('takes who had it when the flow began, whoever gets it later', () => {
    assert.equal(
      choose([
        ['Transfer', 1, FIRST - SECOND],
        ['Transfer', 2, LAST + 1],
      ]),
      'one 1',
    );
  });

  test('does not take who read its end for the one that used it', () => {
    const acts: Act[] = [
      ['Transfer', 1, FIRST - SECOND],
      ['Called', 2, FIRST - 1000],
    ];
    assert.equal(choose(acts), 'one 1');
  });

  test('finds two processes that took turns within the flow several', () => {
    assert.equal(
      choose([
        ['Transfer', 1, FIRST + 1],
        ['Transfer', 2, FIRST + 2],
      ]),
      'several 1 2',
    );
  });
});

describe('chooseActor() on datagrams', () => {
  test('takes who called sendto() right before the first packet, not who transferred long ago', () => {
    assert.equal(
      choose(
        [
          ['Transfer', 1, FIRST - SECOND],
          ['Called', 2, FIRST - 3],
        ],
        DATAGRAM,
      ),
      'one 2',
    );
  });

  test('takes the child that sends on a socket which its parent connected', () => {
    assert.equal(
      choose(
        [
          ['Called', 1, FIRST - 3],
          ['Transfer', 2, FIRST + 4],
        ],
        DATAGRAM,
      ),
      'one 2',
    );
    const single = { ...DATAGRAM, lastUs: FIRST };
    assert.equal(
      choose(
        [
          ['Called', 1, FIRST - 3],
          ['Transfer', 2, FIRST + 4],
        ],
        single,
      ),
      'one 2',
    );
  });

  test('finds a sender and another receiver of the answer several', () => {
    const late: Act = ['Transfer', 2, FIRST + 60_000];
    assert.equal(choose([['Called', 1, FIRST - 3], late], { ...DATAGRAM, lastUs: FIRST + 70_000 }), 'several 1 2');
  });

  test('keeps the sender when another uses the socket long after the last packet', () => {
    assert.equal(
      choose(
        [
          ['Called', 1, FIRST - 3],
          ['Transfer', 2, LAST + SECOND],
        ],
        DATAGRAM,
      ),
      'one 1',
    );
  });

  test('takes the worker that received within the flow, not the one that did before', () => {
    assert.equal(
      choose(
        [
          ['Transfer', 1, FIRST - SECOND],
          ['Transfer', 2, FIRST + 40],
        ],
        SERVER,
      ),
      'one 2',
    );
  });

  test('finds the worker before and the one right after a lone packet several', () => {
    const lone = { ...SERVER, lastUs: FIRST };
    assert.equal(
      choose(
        [
          ['Transfer', 1, FIRST - SECOND],
          ['Transfer', 2, FIRST + 40],
        ],
        lone,
      ),
      'several 1 2',
    );
    assert.equal(
      choose(
        [
          ['Transfer', 1, FIRST - SECOND],
          ['Transfer', 2, FIRST + 9 * SECOND],
        ],
        lone,
      ),
      'one 1',
    );
  });

  test('finds a worker that answered after another had received several', () => {
    assert.equal(
      choose(
        [
          ['Transfer', 1, FIRST + 40],
          ['Called', 2, FIRST + 900],
        ],
        SERVER,
      ),
      'several 1 2',
    );
  });

  test('gives both parts of a flow that changed hands to the process of their time', () => {
    const handOver: Act[] = [
      ['Transfer', 1, FIRST - SECOND],
      ['Transfer', 2, LAST + 50],
    ];
    assert.equal(choose(handOver, { ...SERVER, isCut: true }), 'one 1');
    assert.equal(choose(handOver, { ...DATAGRAM, firstUs: LAST + 20, lastUs: LAST + 90 }), 'one 2');
  });
});

test('chooseActor() knows nobody while processes take turns too often to be told', () => {
  const turns: Act[] = [
    ['Transfer', 1, FIRST - 9],
    ['Transfer', 2, FIRST - 5, SocketFlag.Shared],
  ];
  assert.equal(choose(turns), 'several 2');
  assert.equal(choose([...turns, ['Transfer', 1, FIRST + 5]]), 'several 1 2');
  assert.equal(choose([...turns, ['Transfer', 1, FIRST - 1]]), 'one 1');
  assert.equal(choose([['Transfer', 2, LAST + 5, SocketFlag.Shared]]), 'several 2');
});

test('chooseActor() leaves a socket of the kernel to the kernel', () => {
  assert.equal(choose([['Transfer', 0, FIRST - 5, SocketFlag.Kernel]]), 'kernel');
});
