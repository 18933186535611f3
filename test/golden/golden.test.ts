/** What `read` prints of every capture, compared with files beside this one; `npm run golden -- --update` rewrites them. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as zlib from 'node:zlib';
import { ALL_CAPTURES } from '../support/all-captures.ts';
import { BAD_CAPTURES } from '../support/bad-captures.ts';
import { CAPTURES, pcapid, READABLE, REFUSED, run } from '../support/read-in-process.ts';
import { runPcapid } from '../support/run-pcapid.ts';

const FOLDER = 'test/golden';
const UPDATES = process.env.PCAPID_UPDATE_GOLDEN === '1';
process.env.TZ = 'UTC'; // of the tables
/** What gzip, lz4 and zstd made of connection.pcap. */
const PACKED = ['connection.pcap.gz', 'connection.pcap.lz4', 'connection.pcap.zst'];
const FACTS = ['--facts', 'captures/demo.facts.ndjson'];

const MACHINE = { ndjson: ['--format', 'ndjson'], summary: ['--summary'] };
const PEOPLE = { table: ['--format', 'table', '-n'], csv: ['--format', 'csv'] };
/** Further outputs of some captures, and their flags. */
const FURTHER: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'names.pcapng': PEOPLE,
  'ethernet-tcp.pcap': PEOPLE,
  'link-layers.pcapng': { 'summary.ndjson': [...MACHINE.summary, ...MACHINE.ndjson] },
  'tunnels.pcap': { 'decap.ndjson': [...MACHINE.ndjson, '--decap'], 'decap.summary': [...MACHINE.summary, '--decap'] },
  'demo.pcap': {
    ...PEOPLE,
    'owners.ndjson': [...MACHINE.ndjson, ...FACTS],
    'owners.summary': [...MACHINE.summary, ...FACTS],
    'owners.table': [...PEOPLE.table, ...FACTS],
    'owners.csv': [...PEOPLE.csv, ...FACTS],
  },
};

function compare(name: string, text: string): void {
  const path = join(FOLDER, `${name}.out`);
  if (UPDATES) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, 'utf8'), `${path}: see whether the change is wanted, then --update`);
}

for (const capture of READABLE) {
  const name = capture.replace(/\.pcap$/, '');
  describe(capture, () => {
    for (const [what, flags] of Object.entries({ ...MACHINE, ...FURTHER[capture] })) {
      test(`read prints its ${what} as before`, async () => {
        compare(`${name}.${what}`, await pcapid('read', `captures/${capture}`, ...flags));
      });
    }
  });
}

describe('what is no capture', () => {
  for (const name of REFUSED) {
    test(`read says what ${name} is`, async () => {
      const { code, out, err } = await runPcapid(['read', `captures/${name}`]);
      assert.deepEqual([code, out], [2, '']);
      compare(name, err);
    });
  }
});

describe('damaged captures', () => {
  for (const { name, octet } of BAD_CAPTURES.filter(({ isRefused }) => !isRefused)) {
    test(`read of ${name} gives what is before the damage, and says in one line where that is`, async () => {
      const { err } = await run('read', `captures/${name}`, ...MACHINE.summary);
      assert.equal(err.trimEnd().split('\n').length, 1);
      assert.match(err, new RegExp(`^pcapid: captures/${name}: [^\n]+ \\(octet ${octet}\\); all before it was read\n$`));
    });
  }
});

describe('link-layers.pcapng', () => {
  test('read --db stores the interfaces that read prints', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pcapid-golden-'));
    try {
      const database = join(folder, 'layers.db');
      await pcapid('read', 'captures/link-layers.pcapng', '--db', database);
      const stored = await pcapid('flows', '--db', database, ...MACHINE.ndjson, '--sort', 'first:asc');
      const printed = await pcapid('read', 'captures/link-layers.pcapng', ...MACHINE.ndjson);
      assert.deepEqual(interfacesOf(stored), interfacesOf(printed));
      assert.ok(interfacesOf(printed).includes('PKTAP'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const interfacesOf = (ndjson: string): readonly string[] =>
  ndjson
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).interface);

describe('what is stored', () => {
  for (const [capture, ...facts] of [['demo.pcap', ...FACTS], ['names.pcapng']] as const) {
    test(`of ${capture} has the owners and names that read prints, and adds up as before`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'pcapid-golden-'));
      try {
        const database = join(folder, 'test.db');
        await pcapid('read', `captures/${capture}`, ...facts, '--db', database);
        const usage = ['process', 'pid', 'name'].map((by) => pcapid('usage', '--by', by, '--db', database));
        compare(`${capture.replace(/\.pcap$/, '')}.usage`, (await Promise.all(usage)).join('\n'));
        const stored = (await pcapid('flows', '--db', database, ...MACHINE.ndjson, '--sort', 'first:asc')).split('\n');
        const printed = (await pcapid('read', `captures/${capture}`, ...facts, ...MACHINE.ndjson)).split('\n');
        assert.deepEqual(stored.map(ownersOf).sort(), printed.map(ownersOf).sort());
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});

/** Tuple, owners and names of a line: what does not depend on where the flow is kept. */
function ownersOf(line: string): string {
  if (line === '') return '';
  const flow = JSON.parse(line);
  const names = ['addr', 'port', 'pid', 'comm', 'exe', 'cmdline', 'uid', 'user', 'match', 'confidence', 'reason', 'name', 'name_source'];
  const end = (side: string) => names.map((name) => flow[`${side}_${name}`]).join(' ');
  return `${flow.protocol} ${end('src')} ${end('dst')} ${flow.orig_ip_bytes} ${flow.reply_ip_bytes}`;
}

describe('the captures', () => {
  test('are what make-captures.mjs would write, and small', () => {
    for (const { name, bytes } of ALL_CAPTURES) {
      assert.deepEqual(new Uint8Array(readFileSync(`captures/${name}`)), bytes, name);
      assert.ok(bytes.length < 32_768, name);
    }
    const made = ['demo.pcap', ...PACKED, ...ALL_CAPTURES.map(({ name }) => name)];
    assert.deepEqual(CAPTURES.sort(), made.sort());
  });

  test('hold what is inside when they are compressed', () => {
    const inside = readFileSync('captures/connection.pcap');
    assert.ok(zlib.gunzipSync(readFileSync(`captures/${PACKED[0]}`)).equals(inside));
  });

  test('are all described in the README beside them', () => {
    const text = readFileSync('captures/README.md', 'utf8');
    for (const name of readdirSync('captures')) assert.ok(name === 'README.md' || text.includes(name), name);
  });
});
