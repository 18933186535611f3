import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { resolveDatabaseToRead, resolveDatabaseToWrite } from '../../../src/cli/database-path.ts';
import { filterOf, parseCidr, parseName, parseNumber, parseProtocol } from '../../../src/cli/filters.ts';
import { columnsOf, limitOf, parseSort, probeOf } from '../../../src/cli/formats.ts';
import { parseSize } from '../../../src/cli/parse-size.ts';
import { parseTuple } from '../../../src/cli/tuple-query.ts';
import { formatAddress } from '../../../src/core/address.ts';
import type { UserError } from '../../../src/core/errors.ts';
import { fieldColumn } from '../../../src/report/columns.ts';
import { utcZone } from '../../../src/report/local-time.ts';
import { FLOW_SORTS } from '../../../src/store/compile-query.ts';
import { withFolder } from '../../support/database.ts';
import { NOON } from '../../support/ticks.ts';

const bytes = (...octets: number[]) => Uint8Array.from(octets);

test('parseCidr() gives the first and the last address of a network', () => {
  assert.deepEqual(parseCidr('10.1.2.3'), { first: bytes(10, 1, 2, 3), last: bytes(10, 1, 2, 3) });
  assert.deepEqual(parseCidr('10.1.2.3/8'), { first: bytes(10, 0, 0, 0), last: bytes(10, 255, 255, 255) });
  assert.deepEqual(parseCidr('10.1.2.3/13'), { first: bytes(10, 0, 0, 0), last: bytes(10, 7, 255, 255) });
  assert.deepEqual(parseCidr('0.0.0.0/0'), { first: bytes(0, 0, 0, 0), last: bytes(255, 255, 255, 255) });
  const { first, last } = parseCidr('2001:db8::/33');
  assert.deepEqual([first.length, first[4], last[4], last[15]], [16, 0, 0x7f, 255]);
});

test('parseCidr() holds exactly the addresses that share the prefix', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), fc.nat(32), (network, address, prefix) => {
      const text = formatAddress(Int32Array.of(0, 0, 0xffff, network));
      const { first, last } = parseCidr(`${text}/${prefix}`);
      const view = (octets: Uint8Array) => new DataView(octets.buffer, octets.byteOffset).getUint32(0);
      const isIn = view(first) <= address >>> 0 && address >>> 0 <= view(last);
      const mask = prefix === 0 ? 0 : (-1 << (32 - prefix)) >>> 0;
      assert.equal(isIn, (network & mask) >>> 0 === (address & mask) >>> 0);
    }),
  );
});

test('parseName() reads a name, all names below it, or both, as they are on the wire', () => {
  const name = 'a.example';
  assert.deepEqual(parseName('A.Example.'), { name, itself: true, below: false });
  assert.deepEqual(parseName('*.a.example'), { name, itself: false, below: true });
  assert.deepEqual(parseName('.a.example'), { name, itself: true, below: true });
  assert.equal(parseName('bücher.example').name, 'xn--bcher-kva.example');
  assert.equal(parseName('_dmarc.a.example').name, '_dmarc.a.example');
  for (const text of ['', '*', '.', '*.', '**.example', 'a.*', 'a b']) {
    assert.throws(() => parseName(text), { code: 'bad-name', hint: /\*\.example\.org/ }, text);
  }
});

test('parseCidr() refuses what is not a network', () => {
  for (const text of [
    '',
    '10',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '10.0.0.0/8.5',
    'host',
    '/8',
  ]) {
    assert.throws(() => parseCidr(text), { code: 'bad-cidr' }, text);
  }
});

test('parseNumber() and parseProtocol() name the flag and what is valid', () => {
  assert.equal(parseNumber('65535', '--port', 0, 65535), 65535);
  for (const text of ['65536', '-1', '1e3', '0x10', '', '1.5', ' 1']) {
    assert.throws(() => parseNumber(text, '--port', 0, 65535), { message: /^--port/, hint: /0 to 65535/ }, text);
  }
  assert.equal(parseProtocol('TCP'), 6);
  assert.equal(parseProtocol('132'), 132);
  assert.throws(() => parseProtocol('256'), { message: /^--proto/ });
});

test('filterOf() leaves out what was not given, and refuses an empty range', () => {
  assert.deepEqual(filterOf({}, NOON, utcZone), {});
  assert.deepEqual(filterOf({ process: 'curl', proto: 6, since: '10m' }, NOON, utcZone), {
    process: 'curl',
    protocol: 6,
    sinceUs: NOON - 600_000_000,
  });
  assert.throws(() => filterOf({ since: '10m', until: '20m' }, NOON, utcZone), { code: 'empty-range' });
});

test('parseTuple() understands any part of a tuple', () => {
  const v4 = bytes(10, 0, 0, 7);
  const loopback = bytes(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
  const cases: readonly [string[], ReturnType<typeof parseTuple>][] = [
    [['443'], { ends: [{ port: 443 }] }],
    [[':443'], { ends: [{ port: 443 }] }],
    [['10.0.0.7'], { ends: [{ address: v4 }] }],
    [['10.0.0.7:443'], { ends: [{ address: v4, port: 443 }] }],
    [['::1'], { ends: [{ address: loopback }] }],
    [['[::1]'], { ends: [{ address: loopback }] }],
    [['[::1]:80'], { ends: [{ address: loopback, port: 80 }] }],
    [['udp', '53'], { protocol: 17, ends: [{ port: 53 }] }],
    [['udp 53'], { protocol: 17, ends: [{ port: 53 }] }],
    [['icmp'], { protocol: 1, ends: [] }],
    [['icmp6', '::1'], { protocol: 58, ends: [{ address: loopback }] }],
    [
      ['10.0.0.7:1', '->', '[::1]:80'],
      {
        ends: [
          { address: v4, port: 1 },
          { address: loopback, port: 80 },
        ],
      },
    ],
    [
      ['10.0.0.7:1->[::1]:80'],
      {
        ends: [
          { address: v4, port: 1 },
          { address: loopback, port: 80 },
        ],
      },
    ],
    [['tcp 10.0.0.7:1 <-> ::1'], { protocol: 6, ends: [{ address: v4, port: 1 }, { address: loopback }] }],
    [['10.0.0.7', '443'], { ends: [{ address: v4 }, { port: 443 }] }],
    [['*:53'], { ends: [{ port: 53 }] }],
    [['::ffff:10.0.0.7'], { ends: [{ address: v4 }] }],
  ];
  for (const [words, expected] of cases) assert.deepEqual(parseTuple(words), expected, words.join(' '));
});

test('parseTuple() refuses what is not part of a tuple', () => {
  for (const text of [
    '',
    'host',
    '65536',
    '10.0.0.7:65536',
    '10.0.0',
    '[::1',
    '::1::2',
    '1 2 3',
    'tcp tcp',
    '10.0.0.7:',
    'udp:53',
    '-1',
  ]) {
    assert.throws(() => parseTuple([text]), { code: 'bad-tuple' }, text);
  }
});

test('parseTuple() says where to ask for a host or a program by its name, and only then', () => {
  const hintOf = (text: string): string => {
    try {
      parseTuple([text]);
    } catch (error) {
      return (error as UserError).hint ?? '';
    }
    return '';
  };
  for (const text of ['curl', 'www.example.org', 'example.org:443']) assert.match(hintOf(text), /flows --name/, text);
  for (const text of ['10.0.0', '1 2 3', '[::1']) assert.doesNotMatch(hintOf(text), /flows --name/, text);
});

test('parseTuple() never throws anything but a UserError, for any words', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.[\]<>*\- ]{0,20}$/))), (words) => {
      try {
        parseTuple(words);
      } catch (error) {
        assert.equal((error as Error).name, 'UserError');
      }
    }),
  );
});

test('parseSort() takes a field, a direction, and the natural one otherwise', () => {
  assert.deepEqual(parseSort('bytes', FLOW_SORTS), { by: 'bytes', direction: 'desc' });
  assert.deepEqual(parseSort('first:asc', FLOW_SORTS), { by: 'first', direction: 'asc' });
  for (const text of ['', 'size', 'bytes:up', 'toString']) {
    assert.throws(() => parseSort(text, FLOW_SORTS), { message: /^--sort/, hint: /first, last, bytes/ }, text);
  }
});

test('limitOf() limits tables only, 0 means all, and one row more is asked for', () => {
  assert.equal(limitOf({ format: 'table' }), 100);
  assert.equal(limitOf({ format: 'csv' }), null);
  assert.equal(limitOf({ format: 'csv', limit: 5 }), 5);
  assert.equal(limitOf({ format: 'table', limit: 0 }), null);
  assert.deepEqual([probeOf(5), probeOf(null)], [6, null]);
});

test('columnsOf() refuses unknown columns, and columns of machine formats', () => {
  const printing = { available: ['a', 'b'].map(fieldColumn), defaults: ['a'], fields: ['a', 'b'] };
  assert.deepEqual(
    columnsOf({ format: 'table' }, printing).map(({ name }) => name),
    ['a'],
  );
  assert.deepEqual(
    columnsOf({ format: 'table', columns: 'b, a' }, printing).map(({ name }) => name),
    ['b', 'a'],
  );
  assert.throws(() => columnsOf({ format: 'table', columns: 'c' }, printing), { code: 'bad-column', hint: /a, b/ });
  assert.throws(() => columnsOf({ format: 'csv', columns: 'a' }, printing), { code: 'columns-of-table' });
  const fields = ['a', 'p', 'q', 'r', 's'];
  const many = { available: ['a', 'b', ...fields.slice(1)].map(fieldColumn), defaults: ['a'], fields };
  const hint = /^Choose from: a, b, or any field of --format json \(p, q, r \.\.\.\)\.$/;
  assert.throws(() => columnsOf({ format: 'table', columns: 'c' }, many), { code: 'bad-column', hint });
});

test('resolveDatabaseToRead() tries --db, $PCAPID_DB, the folder, then where recorders write', () => {
  withFolder((folder) => {
    const state = join(folder, 'state');
    const env = { XDG_STATE_HOME: state, HOME: folder };
    const surroundings = { env, cwd: folder };
    const system = join(folder, 'var', 'pcapid.db'); // this host may have one
    const touch = (path: string) => {
      writeFileSync(path, '');
      return path;
    };
    assert.throws(
      () => resolveDatabaseToRead(surroundings, undefined, system),
      (error: Error) => {
        for (const place of [join(folder, 'pcapid.db'), join(state, 'pcapid', 'pcapid.db'), system]) {
          assert.ok(error.message.includes(place), error.message);
        }
        return true;
      },
    );
    mkdirSync(join(state, 'pcapid'), { recursive: true });
    const ofUser = touch(join(state, 'pcapid', 'pcapid.db'));
    assert.equal(resolveDatabaseToRead(surroundings, undefined, system), ofUser);
    const here = touch(join(folder, 'pcapid.db'));
    assert.equal(resolveDatabaseToRead(surroundings, undefined, system), here);
    const named = touch(join(folder, 'named.db'));
    assert.equal(resolveDatabaseToRead({ cwd: folder, env: { ...env, PCAPID_DB: named } }), named);
    assert.equal(resolveDatabaseToRead({ cwd: folder, env: { ...env, PCAPID_DB: here } }, 'named.db'), named);
    assert.throws(() => resolveDatabaseToRead(surroundings, 'missing.db'), { message: /tried .*missing\.db$/ });
    assert.throws(() => resolveDatabaseToRead(surroundings, ''), { code: 'bad-database' });
  });
});

test('resolveDatabaseToRead() asks the system for the home of the user where the environment has none', () => {
  for (const env of [{}, { HOME: '' }]) {
    const home = join(userInfo().homedir, '.local', 'state', 'pcapid', 'pcapid.db');
    assert.throws(
      () => resolveDatabaseToRead({ env, cwd: '/nowhere' }, undefined, '/nowhere/system.db'),
      (error: Error) => error.message.split(/, | tried /).includes(home),
    );
  }
});

test('resolveDatabaseToWrite() needs no file, and root records for the system', () => {
  withFolder((folder) => {
    const surroundings = { cwd: folder, env: { HOME: '/home/alice' } };
    assert.equal(resolveDatabaseToWrite(surroundings, undefined, 0), '/var/lib/pcapid/pcapid.db');
    assert.equal(resolveDatabaseToWrite(surroundings, undefined, 1000), '/home/alice/.local/state/pcapid/pcapid.db');
    assert.equal(resolveDatabaseToWrite(surroundings, 'x.db', 1000), join(folder, 'x.db'));
    writeFileSync(join(folder, 'pcapid.db'), '');
    assert.equal(resolveDatabaseToWrite(surroundings, undefined, 0), join(folder, 'pcapid.db'));
  });
});

test('parseSize() knows both systems of units, and names the flag and the range', () => {
  assert.equal(parseSize('8MiB', '--ring'), 8 << 20);
  assert.equal(parseSize('1.5 MB', '--ring'), 1_500_000);
  assert.equal(parseSize('2T', '--max-size'), 2 ** 41);
  for (const text of ['5xB', '-1', '', 'MiB', '1e3']) {
    assert.throws(() => parseSize(text, '--ring'), { code: 'bad-size', message: /^--ring: / }, text);
  }
  assert.throws(() => parseSize('0', '--ring', 1024, 2048), { hint: 'Write a size from 1.00 KiB to 2.00 KiB.' });
});

test('parseTuple() explains an arrow that the shell took for a redirection', () => {
  for (const words of [
    ['10.0.0.7:1', '-'],
    ['10.0.0.7', '--'],
  ])
    assert.throws(() => parseTuple(words), { code: 'arrow-redirected', hint: /A -> B/ });
});
