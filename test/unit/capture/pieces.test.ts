import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pieces } from '../../../src/capture/pieces.ts';

const bytes = new Uint8Array(8);

test('Pieces gives octets in order, whatever their pieces, then says that it is the end', () => {
  const pieces = new Pieces();
  assert.equal(pieces.read(bytes, 0, 8), undefined);
  pieces.push(Uint8Array.of(1, 2, 3));
  pieces.push(Uint8Array.of(4));
  assert.deepEqual([pieces.read(bytes, 1, 2), pieces.read(bytes, 3, 5), pieces.read(bytes, 4, 4)], [2, 1, 1]);
  assert.deepEqual([...bytes], [0, 1, 2, 3, 4, 0, 0, 0]);
  pieces.push(Uint8Array.of(5));
  pieces.end();
  assert.deepEqual([pieces.waiting, pieces.read(bytes, 0, 8), pieces.read(bytes, 0, 8)], [1, 1, 0]);
});

test('Pieces wakes the one who waits for octets, and the one who waits for room', async () => {
  const pieces = new Pieces();
  const more = pieces.more();
  pieces.push(new Uint8Array(4));
  await more;
  const room = pieces.room(3);
  pieces.read(bytes, 0, 4);
  await room;
  const end = pieces.more();
  pieces.end();
  await end;
});

test('Pieces drops what waits when nobody wants it, and takes nothing after its end', () => {
  const pieces = new Pieces();
  pieces.push(new Uint8Array(4));
  pieces.end('drop');
  pieces.push(new Uint8Array(4));
  assert.equal(pieces.read(bytes, 0, 8), 0);
});
