import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TrueEnd } from '../../support/true-ends.ts';
import { judge, type SaidEnd, SaidEnds, score } from '../../support/verdict.ts';

const HERE = 4026531840;
const LOCAL = ['192.0.2.1', 40000] as const;
const REMOTE = ['198.51.100.9', 443] as const;

function trueEnd(fields: Partial<TrueEnd> = {}): TrueEnd {
  return {
    ...{ scenario: 's', set: 'short', side: 'client', protocol: 'tcp', local: LOCAL, remote: REMOTE, netns: HERE },
    ...{ pid: 7, start_ticks: 70, other: 6, from_us: 1000, to_us: 2000, sent: 100, received: 300, ...fields },
  };
}

function said(fields: Partial<SaidEnd> = {}): SaidEnd {
  return { ...{ netns: HERE, fromUs: 1100, toUs: 1900, pid: 7, startTicks: 70, reason: null }, ...fields };
}

function verdictOn(end: TrueEnd, ...rows: readonly SaidEnd[]): string {
  const ends = new SaidEnds();
  for (const row of rows) ends.add(end.protocol, end.local, end.remote, row);
  return judge(end, ends.of(end)).verdict;
}

describe('the verdict on a named end', () => {
  test('is named only for the right pid with the right start', () => {
    assert.equal(verdictOn(trueEnd(), said()), 'named');
    assert.equal(verdictOn(trueEnd(), said({ startTicks: 71 })), 'wrong');
    assert.equal(verdictOn(trueEnd(), said({ pid: 8 })), 'wrong');
    assert.equal(verdictOn(trueEnd(), said({ pid: 6, startTicks: 60 })), 'parent');
    assert.equal(verdictOn(trueEnd(), said({ pid: null })), 'none');
    assert.equal(verdictOn(trueEnd()), 'none');
  });

  test('takes the row of the same time when a tuple was used again', () => {
    const before = said({ fromUs: 100, toUs: 900, pid: 5 });
    const later = said({ fromUs: 2100, toUs: 2900, pid: 9 });
    assert.equal(verdictOn(trueEnd(), before, said(), later), 'named');
    assert.equal(verdictOn(trueEnd(), before, later), 'none');
  });

  test('of a row that covers two uses of a tuple is right for one of them', () => {
    const both = said({ fromUs: 1100, toUs: 3900 });
    assert.equal(verdictOn(trueEnd(), both), 'named');
    assert.equal(verdictOn(trueEnd({ pid: 8, from_us: 3000, to_us: 4000 }), both), 'wrong');
  });

  test('counts one wrong name among sightings in several namespaces', () => {
    assert.equal(verdictOn(trueEnd(), said(), said({ netns: HERE + 1, pid: null })), 'named');
    assert.equal(verdictOn(trueEnd(), said(), said({ netns: HERE + 1, pid: 8 })), 'wrong');
  });

  test('leaves the loopback of other namespaces alone', () => {
    const end = trueEnd({ local: ['127.0.0.1', 40000], remote: ['127.0.0.1', 443] });
    assert.equal(verdictOn(end, said({ netns: HERE + 1, pid: 8 })), 'none');
    assert.equal(verdictOn(end, said({ netns: null, pid: 8 })), 'wrong');
  });

  test('is summed by ends and by octets of payload', () => {
    const judged = [judge(trueEnd(), [said()]), judge(trueEnd({ sent: 1000, received: 200 }), [])];
    const { count, bytes, shares, byteShares } = score(judged);
    assert.deepEqual([count, bytes, shares.named, shares.none], [2, 1600, 0.5, 0.5]);
    assert.deepEqual([byteShares.named, byteShares.none], [0.25, 0.75]);
  });
});
