import assert from 'node:assert/strict';
import { endianness } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import * as order from '../../../src/linux/byte-order.ts';

const BYTES = Uint8Array.of(0xff, 0x80, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07);

test('be16() and be32() read network order at odd offsets', () => {
  assert.equal(order.be16(BYTES, 1), 0x8001);
  assert.equal(order.be32(BYTES, 1) >>> 0, 0x80010203);
  assert.ok(order.be32(BYTES, 1) < 0, 'words of keys are signed');
});

test('host16(), host32() and host64() agree with DataView in the order of this host', () => {
  const little = endianness() === 'LE';
  const view = new DataView(BYTES.buffer);
  assert.equal(order.LITTLE_ENDIAN, little);
  assert.equal(order.host16(BYTES, 1), view.getUint16(1, little));
  assert.equal(order.host32(BYTES, 0), view.getUint32(0, little));
  assert.equal(order.host32s(BYTES, 0), view.getInt32(0, little));
  const counter = new Uint8Array(8);
  new DataView(counter.buffer).setBigUint64(0, 1234567890123456n, little);
  assert.equal(order.host64(counter, 0), 1234567890123456);
});

test('putBe16(), putBe32(), putHost16() and putHost32() are read back and touch nothing else', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), (value) => {
      const b = new Uint8Array(6).fill(0xaa);
      order.putHost32(b, 1, value);
      assert.equal(order.host32(b, 1), value);
      order.putBe32(b, 1, value);
      assert.equal(order.be32(b, 1) >>> 0, value);
      order.putHost16(b, 1, value);
      assert.equal(order.host16(b, 1), value & 0xffff);
      order.putBe16(b, 1, value);
      assert.equal(order.be16(b, 1), value & 0xffff);
      assert.deepEqual([b[0], b[5]], [0xaa, 0xaa]);
    }),
  );
});

test('swap32() turns the octets round', () => {
  assert.equal(order.swap32(0x0100007f) >>> 0, 0x7f000001);
  assert.equal(order.swap32(0x01020384) >>> 0, 0x84030201);
});
