import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FollowedPlaces } from '../../../../src/app/record/followed-places.ts';
import { LocalAddresses } from '../../../../src/attribution/local-addresses.ts';
import { parseAddress } from '../../../../src/core/address.ts';
import { SECOND_US } from '../../../../src/core/time.ts';

const OWN = 1;
const POD = 7;

function place(inode: number) {
  return { inode, path: `/run/netns/${inode}`, name: null };
}

function setUp() {
  const known = new LocalAddresses(OWN);
  const there = { places: [place(POD)], addresses: ['10.0.0.2'], reads: 0 };
  const read = () => {
    there.reads++;
    return { unicast: there.addresses.map((text) => parseAddress(text)!), broadcast: [] };
  };
  const followed = new FollowedPlaces(() => there.places, read, known);
  const classify = (text: string) => known.classify(POD, parseAddress(text)!, 0);
  return { known, there, followed, classify };
}

test('FollowedPlaces tells the addresses of a namespace at once, and those that it gets while it is captured in', () => {
  const { there, followed, classify, known } = setUp();
  assert.equal(followed.look(0), true);
  assert.equal(classify('10.0.0.2'), 'local');
  assert.equal(classify('10.0.0.3'), 'remote');
  there.addresses.push('10.0.0.3');
  assert.equal(followed.look(3 * SECOND_US), false);
  assert.equal(classify('10.0.0.3'), 'local');
  assert.equal(known.isListed(POD), true);
});

test('FollowedPlaces does not take an empty answer for a namespace without addresses', () => {
  const { there, followed, known, classify } = setUp();
  there.addresses = [];
  followed.look(0);
  assert.equal(known.isListed(POD), false);
  there.addresses = ['10.0.0.2'];
  followed.look(3 * SECOND_US);
  there.addresses = [];
  followed.look(6 * SECOND_US);
  assert.equal(classify('10.0.0.2'), 'local');
});

test('FollowedPlaces says which namespaces came, and keeps the addresses of one that went for its last flows', () => {
  const { there, followed, known, classify } = setUp();
  followed.look(0);
  assert.deepEqual(followed.takeFresh(), [place(POD)]);
  assert.equal(followed.hasFresh, false);
  there.places = [];
  assert.equal(followed.look(SECOND_US), true);
  assert.deepEqual([followed.now, followed.hasFresh, known.isListed(POD)], [[], false, false]);
  assert.equal(classify('10.0.0.2'), 'local');
  known.forget(2 * SECOND_US);
  assert.equal(classify('10.0.0.2'), 'remote');
});

test('FollowedPlaces reads the addresses of many namespaces in turn', () => {
  const { there, followed } = setUp();
  there.places = Array.from({ length: 40 }, (_, i) => place(100 + i));
  followed.look(0);
  assert.equal(there.reads, 40, 'of new ones at once');
  for (const [look, reads] of [16, 32, 40].entries()) {
    followed.look(3 * SECOND_US + look);
    assert.equal(there.reads, 40 + reads);
  }
});
