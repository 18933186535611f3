import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { flows } from '../../../src/cli/commands/flows.ts';
import { hosts } from '../../../src/cli/commands/hosts.ts';
import { processes } from '../../../src/cli/commands/processes.ts';
import { usage } from '../../../src/cli/commands/usage.ts';
import { makeWho } from '../../../src/cli/commands/who.ts';
import type { CommandModule, Context } from '../../../src/cli/context.ts';
import { FLOW_RECORD_FIELDS } from '../../../src/core/record.ts';
import { HOST_FIELDS } from '../../../src/report/host-columns.ts';
import { PROCESS_FIELDS } from '../../../src/report/process-columns.ts';
import { USAGE_FIELDS } from '../../../src/report/usage-columns.ts';
import { testContext } from '../../support/context.ts';
import { withDatabase } from '../../support/database.ts';
import { NOON, processRow, SECOND, tick } from '../../support/ticks.ts';

const evil = '\x1b[2Jx';
const curl = processRow(1, {
  pid: 1234,
  comm: 'curl',
  exe: '/usr/bin/curl',
  argv: ['curl', 'https://example.com/'],
  uid: 1000,
});
const other = processRow(2, { pid: 99, comm: evil });
const TICK = tick({
  programs: [curl.program, other.program],
  processes: [curl.row, other.row],
  users: [{ uid: 1000, name: 'alice' }],
  flows: [
    {
      serial: 1,
      tuple: 'tcp 10.0.0.5:43210 > 93.184.216.34:443',
      orig: [10, 2000, 1500],
      reply: [12, 20000, 18000],
      lastUs: NOON + 12 * SECOND,
    },
    { serial: 2, tuple: 'udp 10.0.0.5:5353 > 8.8.8.8:53', firstUs: NOON + SECOND },
  ],
  ends: [
    {
      serial: 1,
      side: 'src',
      process: 1,
      program: 1,
      source: 'diag',
      match: 'five-tuple',
      gapUs: 1500,
      holders: 2,
      socket: 1,
    },
    { serial: 1, side: 'dst', reason: 'not-local' },
    { serial: 2, side: 'src', reason: 'closed-before-scan' },
    { serial: 2, side: 'dst', reason: 'not-local' },
  ],
  sockets: [{ id: 1, tuple: 'tcp 10.0.0.5:43210 > 93.184.216.34:443', process: 1 }],
  holders: [{ socket: 1, process: 2 }],
});

function run(module: CommandModule, words: readonly string[], fields: Partial<Context> = {}) {
  const context = testContext(fields);
  const program = new Command('pcapid')
    .exitOverride()
    .configureOutput({ writeOut: context.out, writeErr: context.err });
  program.addCommand(module(context).copyInheritedSettings(program));
  program.parse(words, { from: 'user' });
  return context;
}

const who = makeWho(); // answers from the database only

const NAMES = new Map<CommandModule, string>([
  [flows, 'flows'],
  [processes, 'processes'],
  [hosts, 'hosts'],
  [usage, 'usage'],
  [who, 'who'],
]);

/** Runs one command on the database above, e.g. ask(flows, '--limit', '1'). */
function ask(module: CommandModule, ...words: string[]) {
  return withDatabase([TICK], (path) => run(module, [NAMES.get(module) ?? 'who', ...words, '--db', path]));
}

test('flows prints a table of the latest flows first', () => {
  const context = ask(flows, '-n');
  const lines = context.stdout().trimEnd().split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[1]!, /\(closed-before-scan\) +udp +-> +8\.8\.8\.8:53 +60 B$/);
  assert.match(lines[2]!, /curl\[1234\]\? +tcp +-> +93\.184\.216\.34:443 +19\.0 KiB$/);
  assert.deepEqual([context.stderr(), context.exitCode], ['', 0]);
});

test('flows prints the whole record with stable names in every machine format', () => {
  const [record] = JSON.parse(ask(flows, '--format', 'json', '--process', 'curl').stdout());
  assert.deepEqual(Object.keys(record), [...FLOW_RECORD_FIELDS]);
  assert.deepEqual([record.src_comm, record.dst_pid, record.src_holders], ['curl', null, 2]);
  const lines = ask(flows, '--format', 'ndjson').stdout().trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).flow_id),
    [2, 1],
  );
  assert.equal(ask(flows, '--format', 'csv').stdout().split('\r\n')[0], FLOW_RECORD_FIELDS.join(','));
});

test('flows says on stderr that nothing matched, and ends with 1', () => {
  const context = ask(flows, '--process', 'nobody');
  assert.deepEqual([context.stdout(), context.stderr(), context.exitCode], ['', 'pcapid: nothing matched\n', 1]);
});

test('flows says on stderr that there are more rows than the limit', () => {
  const context = ask(flows, '--limit', '1');
  assert.equal(context.stdout().trimEnd().split('\n').length, 2);
  assert.match(context.stderr(), /only 1 rows? .*--limit 0/);
  assert.equal(ask(flows, '--limit', '2').stderr(), '');
});

test('flows chooses columns, and refuses unknown ones with the list', () => {
  assert.match(ask(flows, '--columns', 'dst_port,cmdline').stdout(), /^DST_PORT +CMDLINE\n/);
  assert.throws(() => ask(flows, '--columns', 'nope'), { code: 'bad-column', hint: /remote/ });
});

test('a wrong value of an option is refused before the database is looked for', () => {
  for (const words of [
    ['--sort', 'x'],
    ['--since', 'x'],
    ['--remote', 'x'],
    ['--port', 'x'],
    ['--proto', 'x'],
    ['--limit', 'x'],
  ]) {
    assert.throws(() => run(flows, ['flows', ...words, '--db', '/nonexistent']), {
      name: 'UserError',
      message: new RegExp(words[0]!),
    });
  }
  assert.throws(() => run(flows, ['flows', '--db', '/nonexistent']), { code: 'no-database' });
});

test('processes lists who there was, and what it carried', () => {
  const rows = (...words: string[]) => JSON.parse(ask(processes, '--format', 'json', ...words).stdout());
  assert.deepEqual(Object.keys(rows()[0]), [...PROCESS_FIELDS]);
  const sums = (all: Record<string, unknown>[]) => all.map((row) => [row.comm, row.flows, row.ip_bytes]);
  assert.deepEqual(sums(rows()), [['curl', 1, 19500]]);
  assert.deepEqual(sums(rows('--all')), [...sums(rows()), [evil, 0, 0]]);
  assert.ok(ask(processes, '--all').stdout().includes('\\u{1b}[2Jx'));
  assert.ok(!ask(processes, '--all').stdout().includes('\x1b'));
});

test('processes draws children below their parents, and leaves out who is above nobody with a flow', () => {
  const shell = processRow(3, { pid: 1, comm: 'shell', parentPid: 0, startTicks: 1 });
  const child = processRow(4, { pid: 1300, comm: 'child', parentPid: 1234, startTicks: 130_000 });
  const more = tick({ programs: [shell.program, child.program], processes: [shell.row, child.row] });
  const draw = (...words: string[]) =>
    withDatabase([TICK, more], (path) => run(processes, ['processes', '--tree', ...words, '--db', path]).stdout());
  assert.match(draw(), /\nshell +1 +0 .*\n`-curl +1234 +shell\[1\].*\n$/);
  assert.match(draw('--limit', '2', '--process', 'curl'), /\nshell +1 .*\n`-curl +1234 /, 'also with filters');
  assert.match(draw('--all'), /\n {2}`-child +1300 +curl\[1234\]/);
});

test('hosts lists remote addresses with who talked to them, and marks what was first seen in the range', () => {
  const rows = (...words: string[]) =>
    JSON.parse(ask(hosts, '--format', 'json', ...words).stdout()).map((row: Record<string, unknown>) => [
      row.remote_addr,
      row.processes,
      row.ip_bytes,
      row.is_new,
    ]);
  const [web, dns] = [
    ['93.184.216.34', 'curl', 19500, 0],
    ['8.8.8.8', '(closed-before-scan)', 60, 0],
  ];
  assert.deepEqual(rows(), [web, dns]);
  assert.deepEqual(rows('--sort', 'seen'), [dns, web]);
  const since = `@${(NOON + SECOND) / SECOND}`;
  assert.deepEqual(rows('--new-since', since), [['8.8.8.8', '(closed-before-scan)', 60, 1]]);
  assert.deepEqual(rows('--since', since), [web, ['8.8.8.8', '(closed-before-scan)', 60, 1]]);
  assert.deepEqual(Object.keys(JSON.parse(ask(hosts, '--format', 'json').stdout())[0]), HOST_FIELDS);
  assert.match(ask(hosts, '--new-since', since, '--utc').stdout(), /^NEW +REMOTE .*\nnew +8\.8\.8\.8 /);
});

test('hosts and who tell what a remote address was called; being spoken of in an answer is not being seen', () => {
  const spoken = { id: 2, address: '192.0.2.77', text: 'later.example', source: 'dns' } as const;
  const said = { id: 1, address: '93.184.216.34', text: 'example.com', source: 'dns', fromUs: NOON } as const;
  const contacted = { serial: 3, tuple: 'udp 10.0.0.5:1 > 192.0.2.77:9', firstUs: NOON + 5 * SECOND };
  const ends = [
    { serial: 3, side: 'src', reason: 'no-socket' },
    { serial: 3, side: 'dst', reason: 'not-local' },
  ] as const;
  withDatabase([TICK, tick({ names: [said, spoken] }), tick({ flows: [contacted], ends })], (path) => {
    const words = ['--db', path, '--format', 'json', '--new-since', `@${NOON / SECOND + 4}`];
    const [row, ...others] = JSON.parse(run(hosts, ['hosts', ...words]).stdout());
    assert.deepEqual(
      [row.remote_addr, row.name, row.seen_us, others.length],
      ['192.0.2.77', 'later.example', contacted.firstUs, 0],
    );
    assert.match(
      run(who, ['who', '443', '--db', path]).stdout(),
      /93\.184\.216\.34:443 is not this host\n {6}called example\.com \(as its address was called last\)\n/,
    );
  });
});

test('times and sizes are printed as --utc, --iso and --si say', () => {
  const text = ask(flows, '--utc', '--iso', '--si', '--process', 'curl').stdout();
  assert.match(text, /\n2026-11-21T13:00:00\.000000Z .* 19\.5 kB\n$/);
});

test('--follow refuses what it cannot do', () => {
  for (const words of ['--sort first', '--until now', '--format json'])
    assert.throws(() => ask(flows, '--follow', ...words.split(' ')), { code: 'cannot-follow' });
  assert.throws(() => ask(processes, '--follow', '--tree'), { code: 'cannot-follow' });
});

test('usage adds up by group, and prints the sum that comes out', () => {
  const text = ask(usage, '--by', 'user').stdout();
  assert.match(text, /^USER +TX +RX +TOTAL/);
  assert.match(text, /\nalice +1\.46 KiB +17\.6 KiB +19\.0 KiB +99\.7 %/);
  assert.match(text, /\n\(closed-before-scan\) +60 B/);
  assert.match(
    text,
    /\ncaptured +19\.1 KiB +100\.0 % {2}23 packets, 2 flows\n= attributed .*22 packets, 1 flow\n\+ \(closed-before-scan\) .*1 packet, 1 flow\n$/,
  );
});

test('usage prints only rows to stdout in machine formats, the sum goes to stderr', () => {
  const context = ask(usage, '--format', 'json');
  const rows = JSON.parse(context.stdout());
  assert.deepEqual(Object.keys(rows[0]), [...USAGE_FIELDS]);
  assert.match(context.stderr(), /^captured/);
});

test('usage widens a range to whole minutes and says so; by pid, that flows reach beyond it', () => {
  const since = `@${(NOON + 65 * SECOND) / SECOND}`;
  const until = ['--until', `@${(NOON + 30 * SECOND) / SECOND}`, '--utc'];
  assert.match(ask(usage, ...until).stdout(), /\ncaptured +19\.1 KiB.*\n(.*\n)+range used: to 2026-11-21 13:01\n$/);
  assert.deepEqual([ask(usage, '--since', since).stdout(), ask(usage, '--since', since).exitCode], ['', 1]);
  assert.match(ask(usage, '--by', 'pid', '--since', since).stderr(), /nothing matched/);
});

test('usage adds up by hour and day of the zone, in order of time', () => {
  const rows = JSON.parse(ask(usage, '--by', 'day', '--utc', '--format', 'json').stdout());
  assert.deepEqual(
    rows.map((row: Record<string, unknown>) => [row.bucket_us, row.flows, row.share]),
    [[NOON - 13 * 3600 * SECOND, 2, 1]],
  );
  assert.match(ask(usage, '--by', 'minute', '--utc').stdout(), /\n2026-11-21 13:00 /);
});

test('who tells owner, command, evidence, confidence and all holders in words', () => {
  const text = ask(who, '93.184.216.34:443').stdout();
  assert.match(text, /^tcp 10\.0\.0\.5:43210 -> 93\.184\.216\.34:443\n/);
  assert.match(text, /10\.0\.0\.5:43210 is curl, process 1234 \(\/usr\/bin\/curl, user alice\)\n/);
  assert.match(text, /command curl https:\/\/example\.com\/\n/);
  assert.match(
    text,
    /\n {6}likely: curl \(pid 1234\) had a socket with exactly these addresses and ports, by the kernel's socket tables and \/proc, seen 2 ms away from the packets\n/,
  );
  assert.match(
    text,
    /held by \\u\{1b\}\[2Jx, process 99, uid 0, 2026-11-21T13:00:00\.000000Z to 2026-11-21T13:00:00\.000000Z\n/,
  );
  assert.match(text, /93\.184\.216\.34:443 is not this host\n$/);
});

test('who says why it does not know', () => {
  assert.match(ask(who, 'udp', '53').stdout(), /not known: the socket was gone before .*\(closed-before-scan\)/);
});

test('who looks at the time that was asked for', () => {
  const at = (seconds: number) => ask(who, '443', '--at', `@${NOON / SECOND + seconds}`, '--format', 'ndjson');
  assert.equal(JSON.parse(at(5).stdout()).flow_id, 1);
  assert.deepEqual([at(13).stdout(), at(13).exitCode], ['', 1]);
});

test('who prints the answers of a live source first, and a database that was named has to exist', () => {
  const record = Object.fromEntries(FLOW_RECORD_FIELDS.map((field) => [field, null]));
  const live = makeWho(() => [
    {
      record: { ...record, protocol: 'tcp', src_addr: '10.9.9.9', src_port: 1, src_pid: 5, src_comm: 'live' },
      holders: [],
    },
  ]);
  assert.match(ask(live, '443').stdout(), /^tcp 10\.9\.9\.9:1\n(.*\n)+\ntcp 10\.0\.0\.5:43210/);
  for (const module of [live, who]) {
    assert.throws(() => run(module, ['who', '443', '--db', '/nonexistent']), { code: 'no-database' });
  }
});

test('--help of every command shows examples', () => {
  for (const [module, name] of NAMES) {
    const context = testContext();
    const command = module(context).configureOutput({ writeOut: context.out }).exitOverride();
    assert.throws(() => command.parse(['--help'], { from: 'user' }));
    assert.match(context.stdout(), new RegExp(`Examples:\n {2}pcapid ${name} `));
    for (const line of context.stdout().split('\n')) assert.ok(line.length <= 88, line);
  }
});
