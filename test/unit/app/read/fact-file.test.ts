import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatFacts, parseFacts } from '../../../../src/app/read/fact-file.ts';
import type { FactsMessage } from '../../../../src/app/record/messages.ts';
import { createLearned } from '../../../../src/app/record/observe/learned.ts';
import { formatAddress, parseAddress } from '../../../../src/core/address.ts';
import { createColumns } from '../../../../src/core/columns.ts';
import { UserError } from '../../../../src/core/errors.ts';
import { EXIT_COLUMNS } from '../../../../src/core/process.ts';
import { NO_UID, SocketState } from '../../../../src/core/socket.ts';
import { K_SCOPE, KEY_WORDS, Protocol } from '../../../../src/core/tuple.ts';
import { makeHolders, makeProcess, makeSockets, type SocketLiteral, START_TICKS } from '../../../support/facts.ts';

const OFFSET_US = 1_700_000_000_000_000; // realtime minus boottime

function facts(fields: Partial<FactsMessage>): FactsMessage {
  return {
    atUs: 5_000_000,
    ...createLearned(),
    processes: [],
    exits: createColumns(EXIT_COLUMNS),
    scan: null,
    addresses: null,
    factsLost: 0,
    looksSkipped: 0,
    lost: null,
    last: false,
    ...fields,
  };
}

const parse = (text: string): readonly FactsMessage[] => parseFacts(text, 'x.ndjson');

function roundTrip(fields: Partial<FactsMessage>): readonly FactsMessage[] {
  return parse(formatFacts(facts(fields), OFFSET_US));
}

const SOCKETS: readonly SocketLiteral[] = [
  { local: ['192.0.2.1', 40000], remote: ['198.51.100.9', 443], inode: 77, cookie: 5, seenUs: 4_000_000 },
  { local: ['::', 80], inode: 78, state: SocketState.Listen, seenUs: 4_000_001, uid: NO_UID },
  { local: ['fe80::1', 546], remote: ['fe80::2', 547], inode: 79, seenUs: 4_000_002, boundIfindex: 3 },
  { protocol: Protocol.Icmp, local: ['192.0.2.1', 4711], inode: 80, cookie: -9, seenUs: 4_000_003 },
];

describe('parseFacts() reads what formatFacts() wrote', () => {
  for (const literal of SOCKETS) {
    test(`of a socket at ${literal.local.join(' ')}, with all its columns`, () => {
      const before = makeSockets(literal);
      if (literal.boundIfindex !== undefined) before.key[K_SCOPE] = literal.boundIfindex; // link-local
      const [message] = roundTrip({ sockets: before });
      const after = message!.sockets;
      assert.equal(after.count, 1);
      assert.deepEqual(after.key.slice(0, KEY_WORDS), before.key.slice(0, KEY_WORDS));
      for (const name of ['inode', 'cookie', 'uid', 'boundIfindex', 'state', 'source'] as const)
        assert.equal(after[name][0], before[name][0], name);
      assert.equal(after.seenUs[0], literal.seenUs + OFFSET_US, 'the time of day');
    });
  }

  test('of holders, one message a line', () => {
    const messages = roundTrip({ holders: makeHolders([77, 42, 4_000_000], [77, 43, 4_100_000]) });
    const rows = messages.map(({ holders: h }) => [h.inode[0], h.pid[0], h.startTicks[0], h.fd[0], h.seenUs[0]]);
    assert.deepEqual(rows, [
      [77, 42, START_TICKS, 3, 4_000_000 + OFFSET_US],
      [77, 43, START_TICKS, 3, 4_100_000 + OFFSET_US],
    ]);
  });

  test('of processes, with what is not known of them', () => {
    const processes = [
      makeProcess(42, { argv: ['a b', '', '"\n'], cgroup: '/x', unit: 'x.service', container: 'c', forked: true }),
      makeProcess(43, { exe: null, argv: null }),
    ];
    const messages = roundTrip({ processes });
    assert.deepEqual(
      messages.flatMap((message) => message.processes),
      processes,
    );
    assert.equal(messages[0]!.atUs, 5_000_000 + OFFSET_US);
  });

  test('of addresses and scans', () => {
    const unicast = ['192.0.2.1', '2001:db8::1'].map((text) => parseAddress(text)!);
    const scan = { startedUs: 4_500_000, deniedUids: [0], partlyDeniedUids: [5, 6], pids: Uint32Array.of(1, 2) };
    const [first, second] = roundTrip({ addresses: { unicast, broadcast: [parseAddress('192.0.2.255')!] }, scan });
    const words = first!.addresses!.unicast.map((address) => formatAddress(address));
    assert.deepEqual(words, ['192.0.2.1', '2001:db8::1']);
    assert.equal(formatAddress(first!.addresses!.broadcast[0]!), '192.0.2.255');
    assert.deepEqual(second!.scan, { ...scan, startedUs: 4_500_000 + OFFSET_US, pids: new Uint32Array(0) });
  });

  test('as nothing from nothing, and lines in their order', () => {
    assert.deepEqual(roundTrip({}), []);
    const text = formatFacts(facts({ holders: makeHolders([77, 42, 1], [77, 43, 2]) }), 0);
    assert.deepEqual(
      parse(`\n${text}\n`).map(({ holders }) => holders.pid[0]),
      [42, 43],
    );
  });
});

describe('parseFacts() names the line that', () => {
  const good = '{"kind":"holder","at_us":1,"inode":2,"pid":3,"startTicks":4,"fd":5}\n';
  const socket = (fields: string): string =>
    `{"kind":"socket","at_us":1,"protocol":6,"version":4,"inode":1,"cookie":1,"uid":0,"state":1,"source":"diag","ifindex":0,${fields}}`;
  const ends = '"local":["192.0.2.1",1],"remote":["192.0.2.2",2]';
  assert.equal(parse(socket(ends)).length, 1);

  const bad: Readonly<Record<string, readonly [line: string, what: RegExp]>> = {
    'is no JSON': ['{"kind"', /not an object/],
    'is no object': ['7', /not an object/],
    'has no time': ['{"kind":"scan"}', /at_us is not a number/],
    'has an endless time': ['{"kind":"scan","at_us":1e999,"deniedUids":[],"partlyDeniedUids":[]}', /at_us/],
    'has an unknown kind': ['{"kind":"packet","at_us":1}', /unknown kind "packet"/],
    'has a text for a number': [good.replace('"pid":3', '"pid":"3"').trim(), /pid is not a number/],
    'has no address': [socket('"local":["192.0.2",1],"remote":["192.0.2.2",2]'), /"192.0.2" is not an address/],
    'has no ends': [socket('"local":7,"remote":["192.0.2.2",2]'), /not \[address, port\]/],
    'has a port that is none': [
      socket('"local":["192.0.2.1",65536],"remote":["192.0.2.2",2]'),
      /not \[address, port\]/,
    ],
    'has arguments that are no texts': [
      '{"kind":"process","at_us":1,"pid":1,"startTicks":1,"parentPid":1,"uid":0,"netns":1,"argv":[1]}',
      /argv/,
    ],
    'has addresses that are no list': ['{"kind":"address","at_us":1,"unicast":"x","broadcast":[]}', /not a list/],
    'has users that are no numbers': ['{"kind":"scan","at_us":1,"deniedUids":["0"],"partlyDeniedUids":[]}', /uids/],
    'is endless': [`{"kind":"${'x'.repeat(1 << 17)}"}`, /too long/],
  };
  for (const [what, [line, expected]] of Object.entries(bad)) {
    test(what, () => {
      assert.throws(
        () => parse(`${good}${line}\n`),
        (error) => {
          assert.ok(error instanceof UserError);
          assert.equal(error.code, 'bad-facts');
          assert.match(error.message, /^x\.ndjson: .*\(at 2\)$/);
          assert.match(error.message, expected);
          return true;
        },
      );
    });
  }
});

test('parseFacts() throws nothing but UserError, whatever the values of a line are', () => {
  const kind = fc.constantFrom('address', 'process', 'socket', 'holder', 'scan');
  const names = ['unicast', 'broadcast', 'pid', 'startTicks', 'argv', 'local', 'remote', 'inode', 'uid', 'deniedUids'];
  const values = fc.record(Object.fromEntries(['at_us', ...names].map((name) => [name, fc.jsonValue()])));
  fc.assert(
    fc.property(kind, values, (k, fields) => {
      try {
        parse(JSON.stringify({ kind: k, ...fields }));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
      }
    }),
  );
});
