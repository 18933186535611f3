import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ParseError } from '../../../src/core/errors.ts';
import { ProcFs } from '../../../src/linux/proc-fs.ts';
import { parseProcNetNetlink, parseProcNetPacket, parseProcNetUnix } from '../../../src/linux/proc-net-other.ts';

const proc = new ProcFs('test/fixtures/proc/basic');
const read = (name: string): string => proc.readText(`thread-self/net/${name}`)!;
const none = (error: ParseError): never => assert.fail(error.message);

test('parseProcNetPacket() reads type, protocol, interface and inode', () => {
  const rows = parseProcNetPacket(read('packet'), 'packet', none);
  assert.deepEqual(
    rows.map(({ type, protocol, ifindex, running, uid, inode }) => [type, protocol, ifindex, running, uid, inode]),
    [
      [3, 0x0003, 0, true, 0, 34743],
      [2, 0x0800, 1, true, 0, 34744],
    ],
  );
});

test('parseProcNetUnix() reads paths and abstract names, and reports what a newline in a name leaves', () => {
  const bad: number[] = [];
  const rows = parseProcNetUnix(read('unix'), 'unix', (error) => void bad.push(error.at));
  assert.deepEqual(
    rows.map(({ type, listening, inode, path }) => [type, listening, inode, path]),
    [
      [2, false, 34746, '/run/echo.sock'],
      [1, true, 34745, '@echo server'],
      [5, true, 34747, '@line'],
    ],
  );
  assert.deepEqual(bad, [5]);
});

test('parseProcNetUnix() gives null to a socket without a name', () => {
  const text = 'Num ...\n0000000033d51695: 00000003 00000000 00000000 0001 03  1059\n';
  const [row] = parseProcNetUnix(text, 'unix', none);
  assert.deepEqual(row, { type: 1, state: 3, listening: false, inode: 1059, path: null });
});

test('parseProcNetNetlink() reads protocol, port id and groups', () => {
  const rows = parseProcNetNetlink(read('netlink'), 'netlink', none);
  assert.equal(rows.length, 9);
  const { protocol, portid, groups, inode } = rows[0]!;
  assert.deepEqual([protocol, portid, groups, inode], [0, 14776, 0x111, 34748]);
});

test('the parsers report a cut line', () => {
  for (const [parse, name] of [
    [parseProcNetPacket, 'packet'],
    [parseProcNetNetlink, 'netlink'],
  ] as const) {
    const bad: number[] = [];
    const [header, line] = read(name).split('\n');
    const rows = parse(`${header}\n${line!.slice(0, 30)}\n`, name, (error) => void bad.push(error.at));
    assert.deepEqual([rows.length, bad], [0, [2]]);
  }
});
