import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { estimateSkew, type Sighting } from '../../../../src/app/read/clock-skew.ts';

const HOUR_US = 3_600_000_000;
const agreeing = (count: number, offsetUs: number): Sighting[] =>
  Array.from({ length: count }, (_, i) => ({ atUs: i * 1e6 + offsetUs, socketsUs: [i * 1e6 - (i % 7) * 50] }));

test('an offset is found to a millisecond, whatever others of the tuples did', () => {
  const offset = fc.integer({ min: -HOUR_US, max: HOUR_US }).filter((us) => Math.abs(us) > 6000);
  const noise = fc.array(fc.integer({ min: 0, max: 20 * HOUR_US }), { maxLength: 3 });
  fc.assert(
    fc.property(offset, fc.array(noise, { minLength: 20, maxLength: 20 }), (us, others) => {
      const sightings = agreeing(20, us).map((one, i) => ({ ...one, socketsUs: [...one.socketsUs, ...others[i]!] }));
      const skew = estimateSkew(sightings);
      assert.ok(skew !== undefined && Math.abs(skew.offsetUs - us) < 10_000, `${skew?.offsetUs} for ${us}`);
    }),
  );
});

test('the median counts, not the mean', () => {
  const skew = estimateSkew([...agreeing(20, 500_000), { atUs: 509_000, socketsUs: [0] }]);
  assert.ok(Math.abs(skew!.offsetUs - 500_150) <= 150, `${skew!.offsetUs}`);
  assert.equal(skew!.matches, 21);
});

test('clocks that agree are left alone, and so are those of which too little is known', () => {
  assert.equal(estimateSkew([]), undefined);
  assert.equal(estimateSkew(agreeing(100, 0)), undefined);
  assert.equal(estimateSkew(agreeing(100, 3000)), undefined, 'a few milliseconds are no skew');
  assert.equal(estimateSkew(agreeing(4, 500_000)), undefined, 'four connections');
  const unknown = Array.from({ length: 30 }, (_, i) => ({ atUs: i, socketsUs: [] }));
  assert.equal(estimateSkew([...agreeing(5, 500_000), ...unknown])?.matches, 5, 'others are no evidence against it');
});

test('half of the connections at the same time outweigh an offset that more of them show', () => {
  const both = agreeing(30, 500_000).map((one, i) => ({ ...one, socketsUs: [...one.socketsUs, one.atUs - (i % 2)] }));
  assert.equal(estimateSkew(both), undefined);
});

test('tuples that are used again and again prove nothing', () => {
  const busy = agreeing(50, 500_000).map(({ atUs }) => ({
    atUs,
    socketsUs: [1, 2, 3, 4, 5].map((n) => atUs - n * 1e5),
  }));
  assert.equal(estimateSkew(busy), undefined);
});
