import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createColumns, pushRow } from '../../../src/core/columns.ts';
import { CLOSED_COLUMNS, TOTALS } from '../../../src/core/socket.ts';
import { putHost32 } from '../../../src/linux/byte-order.ts';
import { putTotals } from '../../../src/linux/tcp-info.ts';

interface Counters {
  readonly acked?: number;
  readonly received?: number;
  readonly dataSegsIn?: number;
  readonly sent?: number;
  readonly retrans?: number;
}

/** hasTotals, sent, acked, received. @param length octets that the kernel knows of the struct */
function totalsOf(counters: Counters, length = 280): number[] {
  const { acked = 0, received = 0, dataSegsIn = 1, sent = 0, retrans = 0 } = counters;
  const b = new Uint8Array(length);
  for (const [at, value] of [
    [120, acked],
    [128, received],
    [152, dataSegsIn],
    [200, sent],
    [208, retrans],
  ] as const)
    if (at < length) putHost32(b, at, value);
  return read(b, 0, length);
}

function read(b: Uint8Array, at: number, length: number): number[] {
  const out = createColumns(CLOSED_COLUMNS, 1);
  putTotals(b, at, length, out, pushRow(out));
  return TOTALS.map((name) => out[name][0]!);
}

test('putTotals() counts an octet once that was sent twice', () => {
  assert.deepEqual(totalsOf({ sent: 5000, retrans: 1500, acked: 3501 }), [1, 3500, 3500, 0]);
});

test('putTotals() does not count SYN and FIN as confirmed payload, and says what was not confirmed', () => {
  assert.deepEqual(totalsOf({ sent: 1000, acked: 1002 }), [1, 1000, 1000, 0]);
  assert.deepEqual(totalsOf({ sent: 1000, acked: 400 }), [1, 1000, 400, 0]);
});

test('putTotals() does not count the FIN of a peer that sent nothing else', () => {
  assert.deepEqual(totalsOf({ received: 1, dataSegsIn: 0 }), [1, 0, 0, 0]);
  assert.deepEqual(totalsOf({ received: 8, dataSegsIn: 1 }), [1, 0, 0, 8]);
});

test('putTotals() says nothing of the shorter struct of a kernel before 4.19', () => {
  assert.deepEqual(totalsOf({ acked: 7 }, 208), [0, 0, 0, 0]);
  assert.deepEqual(totalsOf({ acked: 7, sent: 7 }, 216), [1, 7, 7, 0]);
});

test('putTotals() never says more confirmed than sent, nor a number below zero, of any octets', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), fc.nat(400), (b, at, length) => {
      const [has, sent, acked, received] = read(b, at, length);
      assert.ok(acked! <= sent! && acked! >= 0 && received! >= 0);
      if (length < 216 || at + 216 > b.length) assert.equal(has, 0);
    }),
  );
});
