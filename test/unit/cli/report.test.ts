import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runProgram } from '../../../src/cli/program.ts';
import { testContext } from '../../support/context.ts';
import { parsePage } from '../../support/parse-page.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-test-'));
const temporary = join(folder, 'tmp');
mkdirSync(temporary);
const { TMPDIR } = process.env;
before(() => {
  process.env.TMPDIR = temporary; // where files are read into
});
after(() => {
  if (TMPDIR === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = TMPDIR;
  rmSync(folder, { recursive: true });
});

const DEMO = ['captures/demo.pcap', '--facts', 'captures/demo.facts.ndjson'];
const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');

async function run(...words: string[]) {
  const context = testContext({ cwd: process.cwd() });
  await runProgram(words, context);
  assert.deepEqual(readdirSync(temporary), [], 'nothing is left behind');
  return { out: context.stdout(), err: context.stderr(), code: context.exitCode };
}

const json = async (...words: string[]) => JSON.parse((await run(...words)).out);
const sum = (rows: readonly Record<string, number>[], field: string) =>
  rows.reduce((n, row) => n + (row[field] ?? 0), 0);

test('report of a file says what usage, hosts, processes and read --summary say of it', async () => {
  const database = join(folder, 'demo.db');
  await run('read', ...DEMO, '--db', database);
  const of = await json('report', ...DEMO, '--format', 'json');
  const stored = await json('report', '--db', database, '--format', 'json');
  const [summary] = await json('read', ...DEMO, '--summary', '--format', 'json');
  const usage = (by: string) => json('usage', '--by', by, '--db', database, '--format', 'json');
  const named = ({ group_by: _, ...row }: Record<string, unknown>) => row;
  for (const list of [
    'parts',
    'beside',
    'programs',
    'processes',
    'remotes',
    'services',
    'evidence',
    'flows',
    'timeline',
  ])
    assert.deepEqual(of[list], stored[list], list);
  assert.deepEqual(of.programs.rows, (await usage('process')).map(named));
  assert.deepEqual(of.services.rows, (await usage('port')).map(named));
  assert.deepEqual(
    of.remotes.rows.map(({ name: _, processes: __, ...row }: Record<string, unknown>) => row),
    (await usage('remote')).map(named),
  );
  const processes = await json('processes', '--db', database, '--format', 'json', '--sort', 'bytes');
  assert.deepEqual(
    of.processes.rows,
    processes.filter(({ flows }: { flows: number }) => flows > 0),
  );
  assert.deepEqual(of.flows.rows, await json('flows', '--db', database, '--format', 'json', '--sort', 'bytes'));
  assert.deepEqual(
    ['packets', 'flows', 'ip_bytes'].map((field) => sum(of.parts, field)),
    [summary.packets, summary.flows, summary.ip_bytes],
  );
  const file = (use: string, path: string, name = path) => {
    const bytes = readFileSync(path);
    return { use, path: name, bytes: bytes.length, sha256: sha256(bytes), damage: null };
  };
  const facts = join(process.cwd(), DEMO[2]!);
  assert.deepEqual(of.inputs, [file('input', 'captures/demo.pcap'), file('facts', DEMO[2]!, facts)]);
  assert.deepEqual(stored.inputs, [file('input', 'captures/demo.pcap', join(process.cwd(), 'captures/demo.pcap'))]);
});

test('report writes a page that only its owner reads, prints its hash, and replaces it only with --force', async () => {
  const path = join(folder, 'demo.html');
  const { out, err, code } = await run('report', ...DEMO, '--html', path);
  const page = readFileSync(path, 'utf8');
  assert.deepEqual([out, code, statSync(path).mode & 0o777], ['', 0, 0o600]);
  assert.match(err, new RegExp(`KiB written into ${path}\nsha256 ${sha256(page)}  ${path}\n$`));
  assert.match(parsePage(page).text, /886.KiB in 925 packets\. 87\.2 % of it has an owner that is known\./);
  assert.match((await run('report', ...DEMO, '--html', path)).err, /demo\.html exists\n.*--force/);
  assert.equal((await run('report', ...DEMO, '--html', path, '--force')).code, 0);
  assert.equal((await run('report', ...DEMO, '--html', '-')).out, page);
  assert.deepEqual(readdirSync(folder).sort(), ['demo.db', 'demo.html', 'tmp']);
});

test('report of a damaged file says where, on the page and on standard error', async () => {
  const { out, err } = await run('report', 'captures/cut.pcap.gz', '--html', '-');
  assert.match(err, /cut\.pcap\.gz: .* \(octet \d+\); all before it was read\n$/);
  assert.match(parsePage(out).text, / \(octet \d+\); all before it was read/);
});

test('report of a capture that names no processes says that nothing is known of them', async () => {
  const { text } = parsePage((await run('report', 'captures/connection.pcap', '--html', '-')).out);
  assert.match(text, /No process is known for any of it\./);
  assert.match(text, /not looked upnothing was known of processes/);
});

test('report of a time in which nothing was captured says so, on the page too, and ends with 1', async () => {
  const { out, err, code } = await run('report', ...DEMO, '--since', '2027-01-01', '--html', '-');
  assert.deepEqual([err, code], ['pcapid: nothing was captured in that time\n', 1]);
  assert.match(parsePage(out).text, /Nothing was captured\./);
});

test('report refuses what it cannot do before it begins, and leaves nothing behind', async () => {
  writeFileSync(join(folder, 'text.pcap'), 'no capture, but long enough to look at');
  for (const [words, what] of [
    [DEMO, /nothing to make\n.*--html report\.html, or --format json/],
    [[...DEMO, '--html', '-', '--format', 'json'], /both print/],
    [[...DEMO, '--html', ''], /the name is empty/],
    [[...DEMO, '--db', 'x.db', '--html', '-'], /of files or of a database/],
    [['--facts', 'x', '--html', '-'], /name the owners of capture files/],
    [['--db', '/nonexistent', '--html', '-'], /there is no database: tried \/nonexistent/],
    [['/nonexistent', '--html', '-'], /\/nonexistent: no such file/],
    [[...DEMO, '--html', '-', '--port', 'x'], /--port: 'x' is not valid/],
    [[folder, '--html', '-'], /test-.*\n/],
    [[join(folder, 'text.pcap'), '--html', '-'], /text\.pcap/],
    [[...DEMO, '--html', '/nonexistent/x.html'], /cannot be written \(ENOENT\)\n.*Make its folder/],
    [[...DEMO, '--html', folder], /is no regular file/],
    [[...DEMO, '--html', '-', '--limit', '0'], /--limit: '0' is not valid/],
    [[...DEMO, '--html', '-', '--since', 'x'], /--since: 'x' is not a time/],
  ] as const) {
    const { out, err, code } = await run('report', ...words);
    assert.deepEqual([out, code], ['', 2], words.join(' '));
    assert.match(err, what);
  }
});

test('report of a time before or after all that is stored is an empty page, and ends with 1', async () => {
  const database = join(folder, 'range.db');
  await run('read', ...DEMO, '--db', database);
  for (const range of [
    ['--since', '2001-01-01', '--until', '2002-01-01'],
    ['--since', '2101-01-01'],
  ]) {
    const { out, err, code } = await run('report', '--db', database, ...range, '--format', 'json');
    assert.deepEqual([JSON.parse(out).programs.rows, code], [[], 1], range.join(' '));
    assert.match(err, /nothing was captured in that time/);
  }
});

test('report of the flows that pass a filter says which ones, and what part they are', async () => {
  const words = [...DEMO, '--process', 'curl', '--proto', 'tcp'];
  const of = await json('report', ...words, '--format', 'json');
  const [summary] = await json('read', ...words, '--summary', '--format', 'json');
  assert.deepEqual(
    ['flows', 'packets'].map((field) => sum(of.parts, field)),
    [summary.chosen_flows, summary.chosen_packets],
  );
  const { text } = parsePage((await run('report', ...words, '--html', '-')).out);
  assert.match(text, /Only flows of: process curl, protocol tcp/);
  assert.match(text, /in 340 packets, 42\.1 % of all that was captured\./);
});

test('report of flows of which none passes the filter says so, and why when no process is known', async () => {
  const none = await run('report', ...DEMO, '--port', '1', '--html', '-');
  assert.deepEqual([none.err, none.code], ['pcapid: no flow passes the filters\n', 1]);
  assert.match(parsePage(none.out).text, /No flow passes the filter\./);
  const nameless = await run('report', DEMO[0]!, '--process', 'curl', '--html', '-');
  assert.match(nameless.err, /no flow passes the filters\n$/);
  assert.match(nameless.err, /names no processes: add --owners DB/);
});

test('report of a pipe is that of the file', async () => {
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  spawn('cp', ['captures/demo.pcap', fifo], { stdio: 'ignore' });
  const {
    made: _,
    inputs: [piped],
    captures: __,
    ...of
  } = await json('report', fifo, '--format', 'json');
  const {
    made: ___,
    inputs: [read],
    captures: ____,
    ...file
  } = await json('report', DEMO[0]!, '--format', 'json');
  assert.deepEqual(of, file);
  assert.deepEqual([piped.path, piped.sha256, piped.bytes, read.path], [fifo, null, null, DEMO[0]]);
});
