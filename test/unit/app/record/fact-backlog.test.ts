import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FactBacklog } from '../../../../src/app/record/fact-backlog.ts';
import type { FactsMessage } from '../../../../src/app/record/messages.ts';
import { createLearned } from '../../../../src/app/record/observe/learned.ts';

test('FactBacklog is full while more than 262,144 rows wait, in both threads', () => {
  const main = new FactBacklog();
  const observer = new FactBacklog(main.shared);
  const learned = createLearned();
  learned.sockets.count = 200_000;
  learned.owners.count = 62_144;
  const facts = { ...learned, processes: [] } as unknown as FactsMessage;
  observer.sent(facts);
  assert.equal(observer.isFull, false);
  observer.sent(facts);
  assert.equal(observer.isFull, true);
  main.taken(facts);
  assert.equal(observer.isFull, false);
});
