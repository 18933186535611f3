import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetnsBook } from '../../../../../src/app/record/observe/netns-book.ts';
import { makeEvents } from '../../../../support/ring-events.ts';

test('NetnsBook gives events with only a cookie the inode that others told', () => {
  const book = new NetnsBook();
  const events = makeEvents(
    { netnsCookie: 9 },
    { netnsCookie: 9, netns: 4026531840 },
    { netnsCookie: 9 },
    { netnsCookie: 10, netns: 4026532000 },
    { netnsCookie: 9 },
    { netns: 5 },
  );
  book.complete(events);
  const inodes = [...events.netns.subarray(0, 6)];
  assert.deepEqual(inodes, [0, 4026531840, 4026531840, 4026532000, 4026531840, 5]);
  const later = makeEvents({ netnsCookie: 10 });
  book.complete(later);
  assert.equal(later.netns[0], 4026532000);
});

test('NetnsBook knows that an inode is another namespace by now', () => {
  const book = new NetnsBook();
  book.learn(9, 77);
  book.learn(12, 77); // the inode was reused
  assert.deepEqual([book.inodeOf(9), book.inodeOf(12), book.inodeOf(13)], [77, 77, 0]);
});

test('NetnsBook forgets the oldest of more than 4096', () => {
  const book = new NetnsBook();
  for (let cookie = 1; cookie <= 5000; cookie++) book.learn(cookie, cookie);
  assert.deepEqual([book.inodeOf(904), book.inodeOf(905)], [0, 905]);
});
