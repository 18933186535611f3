/** Each kind of explanation, from an answer that the attributor really gave. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RULE_WORDS, WHY_NOT_WORDS } from '../../../../src/cli/explain-words.ts';
import { SocketState, SourceCode } from '../../../../src/core/socket.ts';
import { Protocol } from '../../../../src/core/tuple.ts';
import { migrate } from '../../../../src/store/migrate.ts';
import { openSqlite } from '../../../../src/store/sqlite.ts';
import { HOST, PEER } from '../../../support/attributor.ts';
import { explain, storyOf, withAnswers } from '../../../support/explained.ts';
import { makeClosed, makeHolders, makeOwners, makeProcess, makeSockets } from '../../../support/facts.ts';

const T = 5_000_000; // first packet
const CLIENT = { src: [HOST, 40000], dst: [PEER, 443], state: 'new-and-ended' } as const;
const SOCKET = { local: [HOST, 40000], remote: [PEER, 443], inode: 0, source: SourceCode.Bpf } as const;
const SERVER = { src: [PEER, 40000], dst: [HOST, 80], state: 'new-and-ended', firstUs: T, lastUs: T + 900 } as const;
const LISTENER = { local: ['0.0.0.0', 80], state: SocketState.Listen, seenUs: T + 1 } as const;
const PROCESSES = [makeProcess(41), makeProcess(42, { parentPid: 41 }), makeProcess(43)];

test('a socket that was passed on names the process of each time; the other acted earlier or later', () => {
  const owners = makeOwners(
    { cookie: 5, pid: 41, evidence: 'Transfer', fromUs: T + 5 },
    { cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 2000 },
  );
  const facts = { processes: PROCESSES, owners, sockets: makeSockets({ ...SOCKET, cookie: 5, seenUs: T - 2 }) };
  const flows = [
    { ...CLIENT, serial: 1, firstUs: T, lastUs: T + 900, srcCookie: 5 },
    { ...CLIENT, serial: 2, firstUs: T + 1500, lastUs: T + 3000, srcCookie: 5 },
  ];
  withAnswers({ facts, flows }, (path) => {
    assert.deepEqual(storyOf(explain(path, 1), 'src'), {
      rules: 'cookie there-then acted-within',
      people: ['41 actor named', '42 actor acted-later'],
      lost: [],
      verdict: 'agrees',
    });
    const second = storyOf(explain(path, 2), 'src');
    assert.deepEqual(second.people, ['41 actor parent acted-earlier', '42 actor named']);
    assert.equal(second.verdict, 'agrees');
  });
});

test('what the next process did before the last packet of the one before it belongs to the next flow', () => {
  const owners = makeOwners(
    { cookie: 5, pid: 41, evidence: 'Transfer', fromUs: T + 5 },
    { cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 800 },
  );
  const facts = { processes: PROCESSES, owners, sockets: makeSockets({ ...SOCKET, cookie: 5, seenUs: T - 2 }) };
  const flows = [
    { ...CLIENT, serial: 1, firstUs: T, lastUs: T + 900, srcCookie: 5, cutUs: T + 800 },
    { ...CLIENT, serial: 2, firstUs: T + 700, lastUs: T + 3000, srcCookie: 5 },
  ];
  withAnswers({ facts, flows }, (path) => {
    const { people, rules, verdict } = storyOf(explain(path, 1), 'src');
    assert.deepEqual(people, ['41 actor named', '42 actor acted-later']);
    assert.deepEqual([rules, verdict], ['cookie there-then acted-within', 'agrees']);
  });
});

test('whoever opened the socket did not talk', () => {
  const owners = makeOwners(
    { cookie: 5, pid: 43, evidence: 'Created', fromUs: T - 90 },
    { cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 400 },
  );
  const facts = { processes: PROCESSES, owners, sockets: makeSockets({ ...SOCKET, cookie: 5, seenUs: T - 2 }) };
  withAnswers({ facts, flows: [{ ...CLIENT, serial: 1, firstUs: T, lastUs: T + 900, srcCookie: 5 }] }, (path) => {
    const { people, verdict } = storyOf(explain(path, 1), 'src');
    assert.deepEqual(people, ['43 creator created-only', '42 actor named']);
    assert.equal(verdict, 'agrees');
  });
});

test('of sockets that had a tuple one after the other each loses to that of the time', () => {
  const facts = {
    processes: PROCESSES,
    sockets: makeSockets({ ...SOCKET, cookie: 5, seenUs: T - 2 }, { ...SOCKET, cookie: 6, seenUs: T + 500_000 }),
    owners: makeOwners(
      { cookie: 5, pid: 41, evidence: 'Transfer', fromUs: T + 5 },
      { cookie: 6, pid: 43, evidence: 'Transfer', fromUs: T + 500_005 },
    ),
    closed: makeClosed([5, T + 1000], [6, T + 502_000]),
  };
  const flows = [
    { ...CLIENT, serial: 1, firstUs: T, lastUs: T + 900 },
    { ...CLIENT, serial: 2, firstUs: T + 500_001, lastUs: T + 501_000 },
  ];
  withAnswers({ facts, flows }, (path) => {
    const [first, second] = [storyOf(explain(path, 1), 'src'), storyOf(explain(path, 2), 'src')];
    assert.deepEqual([first.people, first.lost], [['41 actor named'], ['came-after: 43']]);
    assert.deepEqual([second.people, second.lost], [['43 actor named'], ['closed-before: 41']]);
    assert.deepEqual([first.verdict, second.verdict], ['agrees', 'agrees']);
  });
});

test('without events the only process that had the socket open is named, and several are not', () => {
  const seen = { ...SOCKET, inode: 70, source: SourceCode.Diag, seenUs: T + 1 };
  const flows = [{ ...CLIENT, serial: 1, firstUs: T, lastUs: T + 900 }];
  const base = { processes: PROCESSES, sockets: makeSockets(seen) };
  withAnswers({ facts: { ...base, holders: makeHolders([70, 43, T + 2]) }, flows }, (path) => {
    const { rules, people, verdict } = storyOf(explain(path, 1), 'src');
    assert.deepEqual(rules, 'five-tuple seen-then only-holder');
    assert.deepEqual(people, ['43 holder named']);
    assert.equal(verdict, 'agrees');
  });
  withAnswers({ facts: { ...base, holders: makeHolders([70, 43, T + 2], [70, 41, T + 2]) }, flows }, (path) => {
    const { rules, people, verdict } = storyOf(explain(path, 1), 'src');
    assert.deepEqual(rules, 'five-tuple seen-then several-holders');
    assert.deepEqual(people.sort(), ['41 holder', '43 holder']);
    assert.equal(verdict, 'agrees');
  });
});

test('the holder of a listener is named where no accepted socket was seen', () => {
  const sockets = makeSockets({ ...LISTENER, inode: 70 });
  const facts = { processes: [makeProcess(43)], sockets, holders: makeHolders([70, 43, T + 2]) };
  withAnswers({ facts, flows: [{ ...SERVER, serial: 1 }] }, (path) => {
    const { rules, people } = storyOf(explain(path, 1), 'dst');
    assert.match(rules, /^listener .*listener-holder$/);
    assert.deepEqual(people, ['43 listener named']);
  });
});

test('a listener loses to the accepted socket, and a wildcard to a bound address', () => {
  const accepted = { local: [HOST, 80], remote: [PEER, 40000], inode: 0, cookie: 5, seenUs: T + 1 } as const;
  const facts = {
    processes: PROCESSES,
    sockets: makeSockets({ ...LISTENER, inode: 70 }, { ...accepted, source: SourceCode.Bpf }),
    holders: makeHolders([70, 43, T + 2]),
    owners: makeOwners({ cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 9 }),
  };
  withAnswers({ facts, flows: [{ ...SERVER, serial: 1 }] }, (path) => {
    assert.deepEqual(storyOf(explain(path, 1), 'dst').lost, ['is-listener: 43']);
  });
  const [wide, bound] = ['0.0.0.0', HOST].map((address, i) => ({
    ...{ protocol: Protocol.Udp, local: [address!, 80] as const, inode: 70 + i },
    ...{ seenUs: T + 1, state: SocketState.Close },
  }));
  const udp = { sockets: makeSockets(wide!, bound!), holders: makeHolders([70, 41, T], [71, 43, T]) };
  const flows = [{ ...SERVER, protocol: Protocol.Udp, serial: 1 }];
  withAnswers({ facts: { ...udp, processes: PROCESSES }, flows }, (path) => {
    const { rules, people, lost } = storyOf(explain(path, 1), 'dst');
    assert.deepEqual([rules, people], ['bound seen-then only-holder', ['43 holder named']]);
    assert.deepEqual(lost, ['less-specific: 41']);
  });
});

test('an end without an owner says what was looked for', () => {
  withAnswers({ facts: {}, flows: [{ ...CLIENT, serial: 1, firstUs: T, lastUs: T + 9 }] }, (path) => {
    assert.deepEqual(storyOf(explain(path, 1), 'src'), { rules: 'no-socket', people: [], lost: [], verdict: 'agrees' });
    assert.equal(storyOf(explain(path, 1), 'dst').rules, 'not-local');
    assert.equal(storyOf(explain(path, 1), 'dst').verdict, 'not-checked');
    assert.equal(explain(path, 2), undefined);
  });
  const unheld = { sockets: makeSockets({ ...SOCKET, inode: 70, source: SourceCode.Diag, seenUs: T + 1 }) };
  withAnswers({ facts: unheld, flows: [{ ...CLIENT, serial: 1, firstUs: T, lastUs: T + 9 }] }, (path) => {
    assert.equal(storyOf(explain(path, 1), 'src').rules, 'five-tuple seen-then nobody-known');
  });
});

test('a socket that is no longer stored, or says another process, makes the answers differ', () => {
  const owners = makeOwners({ cookie: 5, pid: 41, evidence: 'Transfer', fromUs: T + 5 });
  const facts = { processes: PROCESSES, owners, sockets: makeSockets({ ...SOCKET, cookie: 5, seenUs: T - 2 }) };
  for (const sql of ['DELETE FROM socket', 'UPDATE socket SET process = NULL']) {
    withAnswers({ facts, flows: [{ ...CLIENT, serial: 1, firstUs: T, lastUs: T + 900 }] }, (path) => {
      assert.equal(storyOf(explain(path, 1), 'src').verdict, 'agrees');
      const db = openSqlite(path, 'write');
      db.pragma('foreign_keys = OFF');
      db.exec(sql);
      db.close();
      const { verdict, people } = storyOf(explain(path, 1), 'src');
      assert.deepEqual([verdict, people], ['differs', []], sql);
    });
  }
});

test('sockets of an earlier version, without source and role, are taken as told of by the flow', () => {
  const owners = makeOwners({ cookie: 5, pid: 41, evidence: 'Transfer', fromUs: T + 5 });
  const facts = { processes: PROCESSES, owners, sockets: makeSockets({ ...SOCKET, cookie: 5, seenUs: T - 2 }) };
  withAnswers({ facts, flows: [{ ...CLIENT, serial: 1, firstUs: T, lastUs: T + 900 }] }, (path) => {
    const db = openSqlite(path, 'write');
    db.exec('UPDATE socket SET source = NULL, role = NULL');
    db.close();
    const { people, verdict } = storyOf(explain(path, 1), 'src');
    assert.deepEqual([people, verdict], [['41 named'], 'agrees']);
  });
});

test('what lost at an end in another namespace did not lose for being there too', () => {
  const there = { netns: 9, source: SourceCode.Bpf } as const;
  const accepted = { local: [HOST, 80], remote: [PEER, 40000], inode: 0, cookie: 5, seenUs: T + 1, ...there } as const;
  const facts = {
    processes: PROCESSES,
    sockets: makeSockets({ ...LISTENER, ...there, inode: 70, cookie: 6, seenUs: T - 9 }, accepted),
    holders: makeHolders([70, 43, T - 9]),
    owners: makeOwners({ cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 9 }),
  };
  withAnswers({ facts, flows: [{ ...SERVER, netns: 8, dstCookie: 5, serial: 1 }] }, (path) => {
    const { people, lost } = storyOf(explain(path, 1), 'dst');
    assert.deepEqual([people, lost], [['42 actor named'], ['is-listener: 43']]);
  });
});

test('of a database of the first schema each flow is explained by what such a database holds', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-test-'));
  const path = join(folder, 'v1.db');
  try {
    writeFileSync(path, '');
    const db = openSqlite(path, 'write');
    db.exec(readFileSync('test/fixtures/db/v1.sql', 'utf8'));
    migrate(db, path);
    db.close();
    const rules = [1, 2, 3, 4, 5].map((flow) => {
      const { ends } = explain(path, flow)!;
      return ends.map((end) => `${end.verdict}: ${end.rules.join(' ')}`).join('; ');
    });
    assert.deepEqual(rules, [
      'differs: five-tuple seen-then only-holder; not-checked: not-local', // no cookie was stored: no rule of cookies
      'differs: no-socket; differs: no-socket', // what is asked again, not what was stored
      'agrees: no-socket; not-checked: not-local',
      'not-checked: not-local; not-checked: kernel',
      'not-checked: forwarded; not-checked: forwarded',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('docs/attribution.md has every rule by its name', () => {
  const text = readFileSync('docs/attribution.md', 'utf8');
  for (const name of [...Object.keys(RULE_WORDS), ...Object.keys(WHY_NOT_WORDS)])
    assert.ok(text.includes(`\`${name}\``), name);
});
