import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OwnerTable } from '../../../src/attribution/owner-table.ts';
import { OwnerEvidence, SocketFlag } from '../../../src/core/socket.ts';
import { makeOwners, type OwnerLiteral } from '../../support/facts.ts';

function setUp() {
  const owners = new OwnerTable();
  const told: string[] = [];
  const observe = (...rows: readonly OwnerLiteral[]): void =>
    owners.observe(makeOwners(...rows), (cookie, fromUs) => told.push(`${cookie}@${fromUs}`));
  /** pid and time of the rows of a socket, newest first. */
  const rowsOf = (cookie: number): string[] => {
    const rows: string[] = [];
    for (let row = owners.newest(cookie); row !== -1; row = owners.older(row))
      rows.push(`${owners.facts.pid[row]}@${owners.facts.fromUs[row]}`);
    return rows;
  };
  return { owners, told, observe, rowsOf };
}

test('OwnerTable keeps the acts on each socket in order of time, whatever the order they come in', () => {
  const act = fc.record({ cookie: fc.integer({ min: 1, max: 3 }), pid: fc.nat(3), fromUs: fc.nat(50) });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const t = setUp();
      for (const one of acts) t.observe({ ...one, evidence: 'Transfer' });
      for (const cookie of [1, 2, 3]) {
        const times = t.rowsOf(cookie).map((text) => Number(text.split('@')[1]));
        assert.deepEqual(
          times,
          [...times].sort((a, b) => b - a),
        );
        assert.equal(
          times.length > 0,
          acts.some((one) => one.cookie === cookie),
        );
      }
    }),
  );
});

test('OwnerTable takes no notice of what it knows already', () => {
  const t = setUp();
  t.observe({ cookie: 1, pid: 5, evidence: 'Transfer', fromUs: 10 });
  t.observe(
    { cookie: 1, pid: 5, evidence: 'Called', fromUs: 20 },
    { cookie: 1, pid: 5, evidence: 'Transfer', fromUs: 30 },
  );
  assert.deepEqual([t.rowsOf(1), t.told], [['5@10'], ['1@10']]);
});

test('OwnerTable takes a process that called sendto() and is told to transfer later as acting since its call', () => {
  const t = setUp();
  t.observe({ cookie: 1, pid: 5, evidence: 'Called', fromUs: 10 });
  t.observe({ cookie: 1, pid: 5, evidence: 'Transfer', fromUs: 30 });
  assert.deepEqual([t.rowsOf(1), t.told], [['5@10'], ['1@10', '1@30']]);
  assert.equal(t.owners.facts.evidence[t.owners.newest(1)], OwnerEvidence.Transfer);
});

test('OwnerTable keeps two processes of the same pid apart', () => {
  const t = setUp();
  t.observe({ cookie: 1, pid: 5, startTicks: 100, evidence: 'Transfer', fromUs: 10 });
  t.observe({ cookie: 1, pid: 5, startTicks: 200, evidence: 'Transfer', fromUs: 20 });
  assert.deepEqual(t.rowsOf(1), ['5@20', '5@10']);
});

test('OwnerTable remembers of too many turns only that there were several', () => {
  const t = setUp();
  for (let n = 1; n <= 1000; n++) t.observe({ cookie: 1, pid: n % 2, evidence: 'Transfer', fromUs: n });
  const rows = t.rowsOf(1);
  assert.ok(rows.length <= 128 && t.owners.size === rows.length, `${rows.length} rows, ${t.owners.size} kept`);
  assert.equal(rows[0], '0@1000');
  let oldest = t.owners.newest(1);
  while (t.owners.older(oldest) !== -1) oldest = t.owners.older(oldest);
  assert.deepEqual([t.owners.facts.flags[oldest], t.owners.facts.fromUs[oldest]], [SocketFlag.Shared, 0]);
});

test('OwnerTable forgets what is outdated, and sockets that nobody asks for', () => {
  const t = setUp();
  const rows = [1, 2].flatMap((cookie) =>
    [10, 20, 90].map((fromUs) => ({ cookie, pid: fromUs, evidence: 'Transfer', fromUs }) as const),
  );
  t.observe(...rows);
  t.owners.forget(50, () => true);
  assert.deepEqual(t.rowsOf(1), ['90@90', '20@20'], 'who acted as the oldest flow began is still known');
  t.owners.forget(100, (cookie) => cookie === 2);
  assert.deepEqual([t.rowsOf(1), t.rowsOf(2), t.owners.size], [[], ['90@90'], 1]);
  t.observe({ cookie: 3, pid: 1, evidence: 'Created', fromUs: 5 });
  t.owners.forget(100, () => true);
  assert.deepEqual(t.rowsOf(3), ['1@5'], 'an idle socket keeps its owner as long as it is open');
});

test('OwnerTable learns from the next owner that the one before, who had called connect(), did transfer', () => {
  const t = setUp();
  t.observe(
    { cookie: 1, pid: 5, evidence: 'Called', fromUs: 10 },
    { cookie: 1, pid: 6, evidence: 'Transfer', previous: 'Transfer', fromUs: 20 },
    { cookie: 2, pid: 5, evidence: 'Called', fromUs: 10 },
    { cookie: 2, pid: 6, evidence: 'Transfer', previous: 'Called', fromUs: 20 },
  );
  const { owners } = t;
  const first = (cookie: number): number => owners.facts.evidence[owners.older(owners.newest(cookie))]!;
  assert.deepEqual([first(1), first(2)], [OwnerEvidence.Transfer, OwnerEvidence.Called]);
});

test('OwnerTable learns the same of a process that it hears of after the next one', () => {
  const t = setUp();
  t.observe({ cookie: 1, pid: 6, evidence: 'Transfer', previous: 'Transfer', fromUs: 20 });
  t.observe({ cookie: 1, pid: 5, evidence: 'Called', fromUs: 10 });
  t.observe({ cookie: 2, pid: 6, evidence: 'Transfer', previous: 'Called', fromUs: 20 });
  t.observe({ cookie: 2, pid: 5, evidence: 'Called', fromUs: 10 });
  const evidenceOfFirst = [1, 2].map((cookie) => t.owners.facts.evidence[t.owners.older(t.owners.newest(cookie))]);
  assert.deepEqual(evidenceOfFirst, [OwnerEvidence.Transfer, OwnerEvidence.Called]);
});
