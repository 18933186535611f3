import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DST, HOST, PEER, SRC, setUp, words } from '../../support/attributor.ts';
import { makeHolders, makeProcess, makeSockets } from '../../support/facts.ts';

const CLIENT = { serial: 1, src: [HOST, 40000], dst: [PEER, 443], firstUs: 1000, lastUs: 2000 } as const;
const CLIENT_SOCKET = { local: [HOST, 40000], remote: [PEER, 443], inode: 77, cookie: 5 } as const;

test('Attributor takes a name back when a second holder is seen while the flow lives', () => {
  const t = setUp();
  t.observe({ atUs: 1500, processes: [makeProcess(42), makeProcess(43)] });
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 1500 }), holders: makeHolders([77, 42, 1600]) });
  t.flows(CLIENT);
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 five-tuple exact');
  t.observe({ holders: makeHolders([77, 43, 2500]) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'ambiguous five-tuple ambiguous');
  assert.deepEqual(
    t
      .of(1, SRC)
      ?.holders.map(({ process }) => process.pid)
      .sort(),
    [42, 43],
  );
});

test('Attributor lists a third holder that is seen later', () => {
  const t = setUp();
  t.observe({ atUs: 1500, processes: [makeProcess(42), makeProcess(43), makeProcess(44)] });
  const both = makeHolders([77, 42, 1600], [77, 43, 1600]);
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 1500 }), holders: both });
  t.flows(CLIENT);
  t.answer();
  t.observe({ holders: makeHolders([77, 44, 2500]) });
  t.answer();
  assert.deepEqual(
    t
      .of(1, SRC)
      ?.holders.map(({ process }) => process.pid)
      .sort(),
    [42, 43, 44],
  );
});

test('Attributor keeps the name of a flow that had ended before the second holder was seen', () => {
  const t = setUp();
  t.observe({ atUs: 1500, processes: [makeProcess(42), makeProcess(43)] });
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 1500 }), holders: makeHolders([77, 42, 1600]) });
  t.flows({ ...CLIENT, state: 'new-and-ended' });
  t.answer();
  t.observe({ holders: makeHolders([77, 43, 2500]) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 five-tuple exact');
  assert.equal(words(t.of(1, DST)), 'not-local - unknown');
});

test('Attributor names an end when the holder known from before the flow is seen again', () => {
  const t = setUp();
  t.observe({ atUs: 500, processes: [makeProcess(42)], holders: makeHolders([77, 42, 500]) });
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 1500 }) });
  t.flows(CLIENT);
  t.answer();
  assert.equal(t.of(1, SRC)?.process, null, 'who held it before may have passed it on');
  t.observe({ holders: makeHolders([77, 42, 1600]) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 five-tuple exact');
});
