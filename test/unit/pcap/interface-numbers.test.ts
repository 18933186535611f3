import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InterfaceNumbers } from '../../../src/pcap/interface-numbers.ts';

describe('InterfaceNumbers', () => {
  test('InterfaceNumbers gives the same number for the same name, and for the same position without one', () => {
    const numbers = new InterfaceNumbers();
    const [eth0, lo, none] = [
      numbers.numberFor(0, 'eth0', undefined),
      numbers.numberFor(1, 'lo', undefined),
      numbers.numberFor(2, undefined, undefined),
    ];
    assert.equal(new Set([eth0, lo, none]).size, 3);
    assert.deepEqual(
      [
        numbers.numberFor(5, 'lo', undefined),
        numbers.numberFor(0, 'eth0', 'wired'),
        numbers.numberFor(2, undefined, 'x'),
      ],
      [lo, eth0, none],
    );
  });

  test('InterfaceNumbers knows interfaces by name, else by description, else not', () => {
    const numbers = new InterfaceNumbers();
    const nameOf = (position: number, name?: string, description?: string): string | null =>
      numbers.nameOf(numbers.numberFor(position, name, description));
    assert.equal(nameOf(0, 'eth0', 'wired'), 'eth0');
    assert.equal(nameOf(1, undefined, 'wired'), 'wired');
    assert.equal(nameOf(2, '', 'also wired'), 'also wired');
    assert.equal(nameOf(3), null);
    for (const ifindex of [0, 1, 7, 0x7fffffff, 0xffffffff]) assert.equal(numbers.nameOf(ifindex), null, 'an ifindex');
  });

  test('InterfaceNumbers stays bounded, whatever a file names', () => {
    const numbers = new InterfaceNumbers();
    const number = (n: number): number => numbers.numberFor(0, `veth${n}`, undefined);
    for (let n = 0; n < 65_536; n++) number(n);
    assert.equal(number(70_000), number(80_000), 'beyond, all share a number');
    assert.equal(numbers.nameOf(number(70_000)), null);
    assert.equal(numbers.nameOf(number(65_535)), 'veth65535');
  });
});
