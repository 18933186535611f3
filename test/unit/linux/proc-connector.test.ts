import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createProcEvent, ProcConnector, ProcEventKind, parseProcEvent } from '../../../src/linux/proc-connector.ts';
import { fakeTransport, message, readHex } from '../../support/netlink-fixtures.ts';

const RECORDED = readHex('proc-connector.hex');
const [ACK, FORK] = RECORDED;

/** A kernel that answers the subscription with `first`, and has `waiting` for who reads. */
function connect(...waiting: (Uint8Array | number)[]): { connector: ProcConnector; requests: Uint8Array[] } {
  const transport = fakeTransport(() => waiting);
  return { connector: new ProcConnector(transport), requests: transport.requests };
}

/** A recorded event with other words in its data. */
function changed(event: Uint8Array, ...words: readonly (readonly [n: number, value: number])[]): Uint8Array {
  const b = event.slice();
  for (const [n, value] of words) new DataView(b.buffer).setUint32(52 + 4 * n, value, true);
  return b;
}

test('ProcConnector passes recorded events on, without those of threads', () => {
  const { connector } = connect(...RECORDED);
  assert.equal(connector.subscribe(), 0);
  const seen: (readonly [kind: number, pid: number, parentPid: number, value: number])[] = [];
  assert.equal(
    connector.read(100, (e) => seen.push([e.kind, e.pid, e.parentPid, e.value])),
    RECORDED.length - 1,
  );
  const child = seen[0]![1];
  const parent = seen[0]![2];
  assert.deepEqual(seen, [
    [ProcEventKind.Fork, child, parent, 0],
    [ProcEventKind.Uid, child, 0, 65534],
    [ProcEventKind.Exec, child, 0, 0],
    [ProcEventKind.Exit, child, parent, 0],
  ]);
  assert.ok(child > 0 && parent > 0 && child !== parent);
});

test('ProcConnector reads no more than it is asked for', () => {
  const { connector } = connect(ACK!, FORK!, FORK!, FORK!);
  connector.subscribe();
  assert.equal(
    connector.read(2, () => undefined),
    2,
  );
  assert.equal(
    connector.read(2, () => undefined),
    1,
  );
});

test('ProcConnector passes over events that come before the answer to its subscription', () => {
  assert.equal(connect(FORK!, FORK!, ACK!).connector.subscribe(), 0);
});

test('ProcConnector says why it may not listen', () => {
  assert.equal(connect(changed(ACK!, [0, 1])).connector.subscribe(), -1, 'the answer has EPERM');
  assert.equal(connect().connector.subscribe(), -110, 'nobody answers');
  const refusing = { ...fakeTransport(() => []), send: () => -111 };
  assert.equal(new ProcConnector(refusing).subscribe(), -111);
});

test('ProcConnector counts what the kernel threw away, and reads on', () => {
  const { connector } = connect(ACK!, FORK!, -105, FORK!);
  connector.subscribe();
  let forks = 0;
  connector.read(100, () => forks++);
  assert.deepEqual([forks, connector.lost], [2, 1]);
});

test('ProcConnector tells the kernel that it listens, and that it stops', () => {
  const { connector, requests } = connect(ACK!);
  connector.subscribe();
  connector.close();
  const operations = requests.map((b) => new DataView(b.buffer, b.byteOffset).getUint32(36, true));
  assert.deepEqual(operations, [1, 2]);
  assert.deepEqual([...requests[0]!.subarray(0, 36)].slice(16, 24), [1, 0, 0, 0, 1, 0, 0, 0]);
});

test('parseProcEvent() reads the time of a fork', () => {
  const event = createProcEvent();
  parseProcEvent(FORK!, FORK!.length, event);
  assert.equal(event.atNs, Number(new DataView(FORK!.buffer, FORK!.byteOffset).getBigUint64(44, true)));
});

test('parseProcEvent() leaves out forks and exits of threads, and kinds that nobody needs', () => {
  const event = createProcEvent();
  assert.equal(parseProcEvent(changed(FORK!, [2, 4711]), 76, event), false);
  const ptrace = FORK!.slice();
  ptrace[37] = 1;
  assert.equal(parseProcEvent(ptrace, 76, event), false);
});

test('parseProcEvent() leaves out what is cut, of another sender or no event', () => {
  const event = createProcEvent();
  for (let length = 0; length < 60; length++) assert.equal(parseProcEvent(FORK!, length, event), false);
  const other = FORK!.slice();
  other[16] = 9; // another user of the connector
  assert.equal(parseProcEvent(other, 76, event), false);
  const long = FORK!.slice();
  long[32] = 200; // a length past the end
  assert.equal(parseProcEvent(long, 76, event), false);
  assert.equal(parseProcEvent(message(3, []), 16, event), false);
});

test('parseProcEvent() never throws for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (b, begun) => {
      if (begun) b.set(FORK!.subarray(0, Math.min(b.length, 40)));
      parseProcEvent(b, b.length, createProcEvent());
    }),
  );
});
