import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeProcessEvents, type ProcessSink } from '../../../src/linux/bpf-process-events.ts';
import { type ProcessLiteral, processEvent, ringOf } from '../../support/bpf-records.ts';

const FORKED = 1;
const EXECUTED = 2;
const ENDED = 3;
const EXE_ASKED = 4;

const CHILD: ProcessLiteral = {
  kind: FORKED,
  pid: 43,
  startTicks: 1234,
  atUs: 12_345_678,
  parentPid: 42,
  parentStartTicks: 1200,
  cgroup: 9,
  uid: 33,
  netns: 7,
  comm: 'sh',
};
const STATE = {
  pid: 43,
  startTicks: 1234,
  atUs: 12_345_678,
  parentPid: 42,
  parentStartTicks: 1200,
  comm: 'sh',
  uid: 33,
  cgroupId: 9,
  netns: 7,
};

function decode(...records: readonly Buffer[]) {
  const calls: unknown[][] = [];
  const sink: ProcessSink = {
    forked: (...args) => void calls.push(['forked', ...args]),
    executed: (...args) => void calls.push(['executed', ...args]),
    ended: (...args) => void calls.push(['ended', ...args]),
  };
  const bytes = ringOf(...records);
  return { bad: decodeProcessEvents(bytes, bytes.length, sink), calls };
}

test('decodeProcessEvents() tells fork, exec and exit in their order', () => {
  const exec = { ...CHILD, kind: EXECUTED, exe: '/usr/bin/curl', argv: ['curl', '', 'x y'] };
  const { calls, bad } = decode(
    processEvent(CHILD),
    processEvent(exec),
    processEvent({ ...CHILD, kind: ENDED, code: 0x8b }),
  );
  assert.equal(bad, 0);
  assert.deepEqual(calls, [
    ['forked', STATE],
    ['executed', STATE, '/usr/bin/curl', ['curl', '', 'x y']],
    ['ended', { pid: 43, startTicks: 1234, atUs: 12_345_678 }, 0x8b, 'sh'],
  ]);
});

test('decodeProcessEvents() makes hostile text harmless', () => {
  const { calls } = decode(
    processEvent({ ...CHILD, kind: EXECUTED, comm: 'a\xffb\\', exe: '/tmp/\xfe', argv: ['\x80\\'] }),
  );
  const [, state, exe, argv] = calls[0]!;
  assert.equal((state as typeof STATE).comm, 'a\\xffb\\\\');
  assert.equal(exe, '/tmp/\\xfe');
  assert.deepEqual(argv, ['\\x80\\\\']);
});

test('decodeProcessEvents() takes an asked file name only when it is a whole path', () => {
  const exec = { ...CHILD, kind: EXECUTED, flags: EXE_ASKED };
  const { calls } = decode(processEvent({ ...exec, exe: './x' }), processEvent({ ...exec, exe: '/bin/x' }));
  assert.deepEqual(
    calls.map(([, , exe]) => exe),
    [null, '/bin/x'],
  );
});

test('decodeProcessEvents() says null for a path and arguments that are not known', () => {
  const { calls } = decode(processEvent({ ...CHILD, kind: EXECUTED }));
  assert.deepEqual(calls[0]!.slice(2), [null, null]);
});

test('decodeProcessEvents() leaves out and counts records of another form', () => {
  const long = processEvent({ ...CHILD, kind: EXECUTED, exe: '/bin/x' });
  long.writeUInt32LE(5000, 60); // more arguments than there are octets
  const { calls, bad } = decode(processEvent({ ...CHILD, kind: 4 }), processEvent(CHILD).subarray(0, 70), long);
  assert.deepEqual([calls.length, bad], [0, 3]);
});

test('decodeProcessEvents() survives any octets', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const sink: ProcessSink = { forked: () => {}, executed: () => {}, ended: () => {} };
      assert.ok(decodeProcessEvents(bytes, bytes.length, sink) >= 0);
    }),
  );
});
