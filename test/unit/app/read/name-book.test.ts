import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NameBook } from '../../../../src/app/read/name-book.ts';
import { type NameLiteral, tick } from '../../../support/ticks.ts';

const END = { serial: 1, side: 1, address: '192.0.2.1', peer: 7, firstUs: 10e6, lastUs: 20e6 };
const said = (id: number, text: string, atS: number, more: Partial<NameLiteral> = {}): NameLiteral => ({
  id,
  text,
  address: END.address,
  source: 'dns',
  fromUs: atS * 1e6,
  ...more,
});

function nameOf(end: Partial<typeof END>, ...names: readonly NameLiteral[]): string | undefined {
  const book = new NameBook();
  for (const name of names) book.add(tick({ names: [name] }).names);
  const found = book.of({ ...END, ...end });
  return found && `${found.text} ${found.source}`;
}

test('NameBook takes the newest answer before the end of a flow, in whatever order they came', () => {
  assert.equal(nameOf({}, said(1, 'new', 15), said(2, 'later', 21), said(3, 'old', 1)), 'new address');
  assert.equal(nameOf({}, said(1, 'later', 21), said(2, 'other', 1, { address: '192.0.2.2' })), undefined);
});

test('NameBook prefers what the process was told before the flow began, and most what the flow itself said first', () => {
  const own = said(1, 'own', 2, { process: 7 });
  const others = [said(2, 'newer', 5, { process: 8 }), said(3, 'meanwhile', 11, { process: 7 })];
  assert.equal(nameOf({}, own, ...others), 'own dns');
  assert.equal(nameOf({ peer: 0 }, own, ...others), 'meanwhile address');
  const spoken = [said(4, 'first', 10, { source: 'http', flow: 1 }), said(5, 'second', 11, { source: 'sni', flow: 1 })];
  assert.equal(nameOf({}, own, ...spoken), 'first http');
  assert.equal(nameOf({ serial: 2 }, ...spoken), undefined, 'of another flow');
});
