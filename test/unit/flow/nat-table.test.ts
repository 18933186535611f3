import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NatTable } from '../../../src/flow/nat-table.ts';
import { tupleText } from '../../support/decode-one.ts';
import { tupleKey } from '../../support/socket-events.ts';

const inside = (port: number, netns = 0): Int32Array => tupleKey(6, `172.17.0.2:${port}`, '198.51.100.7:443', netns);
const outside = (port: number, netns = 0): Int32Array => tupleKey(6, `192.0.2.1:${port}`, '198.51.100.7:443', netns);

/** What `look` finds for a key, as text. */
function found(look: (out: Int32Array) => boolean): string | undefined {
  const out = new Int32Array(11);
  return look(out) ? tupleText(out, 0) : undefined;
}
const originalOf = (table: NatTable, key: Int32Array) => found((out) => table.originalOf(key, out));
const translationOf = (table: NatTable, key: Int32Array) => found((out) => table.translationOf(key, out));

describe('NatTable', () => {
  test('NatTable finds either tuple by the other one, in the direction that was asked for', () => {
    const table = new NatTable(1);
    table.set(inside(5), outside(6));
    assert.equal(originalOf(table, outside(6)), '6 172.17.0.2:5 198.51.100.7:443');
    assert.equal(translationOf(table, inside(5)), '6 192.0.2.1:6 198.51.100.7:443');
    const back = tupleKey(6, '198.51.100.7:443', '192.0.2.1:6');
    assert.equal(originalOf(table, back), '6 198.51.100.7:443 172.17.0.2:5');
    assert.equal(
      translationOf(table, tupleKey(6, '198.51.100.7:443', '172.17.0.2:5')),
      '6 198.51.100.7:443 192.0.2.1:6',
    );
    assert.deepEqual([originalOf(table, inside(5)), translationOf(table, outside(6))], [undefined, undefined]);
  });

  test('NatTable keeps namespaces and protocols apart', () => {
    const table = new NatTable(1);
    table.set(inside(5, 1), outside(6, 1));
    const udp = outside(6, 1);
    udp[0] = (udp[0]! & ~0xff) | 17;
    assert.deepEqual([originalOf(table, outside(6)), originalOf(table, udp)], [undefined, undefined]);
    assert.equal(originalOf(table, outside(6, 1)), '6 172.17.0.2:5 198.51.100.7:443');
  });

  test('NatTable replaces the translation of an original, and forgets it', () => {
    const table = new NatTable(1);
    table.set(inside(5), outside(6));
    table.set(inside(5), outside(7));
    assert.deepEqual([table.size, originalOf(table, outside(6))], [1, undefined]);
    table.delete(inside(4));
    table.delete(inside(5));
    assert.deepEqual([table.size, originalOf(table, outside(7))], [0, undefined]);
  });

  test('NatTable does not take a tuple that stays as it is', () => {
    const table = new NatTable(1);
    table.set(inside(5), inside(5));
    assert.equal(table.size, 0);
  });

  test('NatTable forgets the oldest translation when it is full', () => {
    const table = new NatTable(1, 100);
    for (let port = 1; port <= 250; port++) {
      table.set(inside(port), outside(port));
      if (port % 3 === 0) table.delete(inside(port - 1));
    }
    const ports = Array.from({ length: 250 }, (_, i) => i + 1).filter((port) => port % 3 !== 2);
    const kept = ports.filter((port) => originalOf(table, outside(port)) !== undefined);
    assert.deepEqual([kept.length, table.size], [100, 100]);
    assert.deepEqual(kept, ports.slice(-100));
  });
});
