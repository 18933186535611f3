import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Ancestors } from '../../../../../src/app/record/observe/ancestors.ts';
import { makeProcess } from '../../../../support/facts.ts';
import { type ProcessLiteral, procFixture } from '../../../../support/proc-fixture.ts';

const SECOND = 1_000_000;
let remove = (): void => undefined;
afterEach(() => remove());

function setUp(processes: Readonly<Record<number, ProcessLiteral>>) {
  const fixture = procFixture(processes);
  remove = fixture.remove;
  const ancestors = new Ancestors(fixture.proc);
  const above = (pid: number, parentPid: number, nowUs: number, startTicks = 1000) =>
    ancestors.of([makeProcess(pid, { parentPid, startTicks })], nowUs).map((one) => `${one.pid} ${one.comm}`);
  return { fixture, above };
}

test('Ancestors tells all above a process up to init, and again a minute later', () => {
  const { above } = setUp({
    1: { comm: 'init', parentPid: 0 },
    20: { comm: 'sshd' },
    30: { comm: 'sh', parentPid: 20 },
  });
  assert.deepEqual(above(40, 30, 0), ['30 sh', '20 sshd', '1 init']);
  assert.deepEqual(above(41, 30, 59 * SECOND), []);
  assert.deepEqual(above(42, 30, 60 * SECOND), ['30 sh', '20 sshd', '1 init']);
});

test('Ancestors does not take who has the pid of a parent by now for the parent', () => {
  const { above } = setUp({ 30: { comm: 'other', startTicks: 5000 } });
  assert.deepEqual(above(40, 30, 0), []);
  assert.deepEqual(above(40, 31, 0), [], 'it is gone');
});

test('Ancestors comes to an end where /proc goes in a circle', () => {
  const { above } = setUp({ 30: { parentPid: 31, startTicks: 7 }, 31: { parentPid: 30, startTicks: 7 } });
  assert.deepEqual(above(40, 30, 0), ['30 p30', '31 p31']);
});
