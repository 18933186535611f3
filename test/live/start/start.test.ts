import assert from 'node:assert/strict';
import { chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Child, type Finished, startChild } from '../../support/child.ts';
import { type Netns, NetnsLab, netnsMissing } from '../../support/netns.ts';
import { asNobody, NOBODY, nobodyMissing } from '../../support/nobody.ts';
import { waitFor } from '../../support/wait.ts';

const ROOT = process.cwd();
const START = join(ROOT, 'dist', 'start.cjs');
const PROGRAMS = ['python3', join(ROOT, 'captures', 'demo-programs.py')];

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-start-'));
  folders.push(folder);
  return folder;
}

interface StartOptions {
  readonly netns: Netns;
  readonly cwd: string;
  readonly seconds?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

function start({ netns, cwd, seconds = 3, env = {}, args = [] }: StartOptions): Child {
  return startChild(netns.command(process.execPath, START, ...args), {
    cwd,
    env: { PCAPID_DB: '', INIT_CWD: cwd, TMPDIR: cwd, PCAPID_START_SECONDS: String(seconds), ...env },
  });
}

/** Two programs that talk over loopback while `running` records. @returns pid of the one that asks */
async function talkDuring(running: Child, netns: Netns): Promise<number> {
  await waitFor(() => running.err().includes('recording all interfaces'), 15_000, 'the recording');
  const server = startChild(netns.command(...PROGRAMS, 'database', '127.0.0.1', '5432'));
  await waitFor(() => server.out().includes('ready'), 5000, 'a server');
  const client = startChild(netns.command(...PROGRAMS, 'app', '127.0.0.1', '5432'));
  const { code } = await client.done;
  assert.equal(code, 0);
  await server.stop('SIGKILL');
  return client.pid;
}

/** The commands below "Try next", run as they are printed. */
async function tryNext({ out }: Finished, run: (args: readonly string[]) => Child): Promise<Finished[]> {
  const commands = [...out.matchAll(/^ {2}npx pcapid (.*?) {2}/gm)].map(([, words]) => words!);
  assert.equal(commands.length, 3, out);
  return Promise.all(commands.map((words) => run(words.replaceAll("'", '').split(' ')).done));
}

describe('npm start as root', { skip: netnsMissing() }, () => {
  const lab = new NetnsLab();
  after(() => lab.close());

  test('records this host, shows bytes per process of this run, and three commands that work', async () => {
    const [netns, cwd] = [lab.create(), temporaryFolder()];
    const first = start({ netns, cwd, seconds: 6 });
    const pid = await talkDuring(first, netns);
    const shown = await first.done;
    assert.equal(shown.code, 0, shown.err);
    assert.match(shown.out, new RegExp(`^app\\[${pid}\\] .*\\d`, 'm'));
    assert.equal(statSync(join(cwd, 'pcapid.db')).mode & 0o777, 0o600);
    const answers = await tryNext(shown, (args) => start({ netns, cwd, args }));
    assert.match(answers[0]!.out, new RegExp(`app\\[${pid}\\]`));
    assert.match(answers[1]!.out, new RegExp(`is app, process ${pid} `));
    for (const { code, err } of answers.slice(0, 2)) assert.equal(code, 0, err);
    assert.doesNotMatch(answers[2]!.err, /unknown command/); // nothing may be open any more

    const again = start({ netns, cwd, seconds: 6 });
    const laterPid = await talkDuring(again, netns);
    const { code, out } = await again.done;
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^app\\[${laterPid}\\]`, 'm'));
    assert.ok(!out.includes(`app[${pid}]`), 'the first run is not counted again');
  });

  test('says how to make traffic when there was none', async () => {
    const { code, out } = await start({ netns: lab.create(), cwd: temporaryFolder(), seconds: 1 }).done;
    assert.equal(code, 0);
    assert.match(out, /^No packet passed meanwhile\./m);
    assert.match(out, /curl.*ping/);
  });

  test('ends early on SIGINT and shows what it has', async () => {
    const [netns, cwd] = [lab.create(), temporaryFolder()];
    const child = start({ netns, cwd, seconds: 60 });
    const pid = await talkDuring(child, netns);
    const { code, out } = await child.stop('SIGINT', 10_000);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^app\\[${pid}\\]`, 'm'));
  });

  test('shows the demo when there is no addon, or another recorder has the database', async () => {
    const [netns, cwd] = [lab.create(), temporaryFolder()];
    const missing = await start({ netns, cwd, env: { PCAPID_ADDON: '/nonexistent' } }).done;
    assert.equal(missing.code, 0);
    assert.match(missing.out, /^Capturing needs the native addon,.*npm run build:native$/m);
    assert.match(missing.out, /^resolver\[\d+\]/m);

    const first = start({ netns, cwd, seconds: 60 });
    await waitFor(() => first.err().includes('recording all interfaces'), 15_000, 'the recording');
    const second = await start({ netns, cwd }).done;
    await first.stop('SIGINT', 10_000);
    assert.equal(second.code, 0);
    assert.match(second.out, /^resolver\[\d+\]/m);
  });

  test('hands arguments to pcapid and returns its exit code', async () => {
    const [netns, cwd] = [lab.create(), temporaryFolder()];
    const help = await start({ netns, cwd, args: ['--help'] }).done;
    assert.equal(help.code, 0);
    assert.match(help.out, /^Usage: pcapid /);
    const failed = await start({ netns, cwd, args: ['usage', '--db', 'missing.db'] }).done;
    assert.equal(failed.code, 2);
    assert.match(failed.err, /there is no database/);
  });
});

describe('npm start as nobody, in a folder of his', { skip: netnsMissing() || nobodyMissing() }, () => {
  test('says in one sentence what is missing and shows the demo, with three commands that work', async () => {
    const cwd = temporaryFolder();
    const sqlite = ['package.json', 'lib', 'build/Release/better_sqlite3.node'].map((part) => `better-sqlite3/${part}`);
    const packages = [...sqlite, 'bindings', 'file-uri-to-path'].map((part) => `node_modules/${part}`);
    for (const part of ['dist', 'captures', 'package.json', 'build/pcapid.node', ...packages]) {
      mkdirSync(join(cwd, part, '..'), { recursive: true });
      cpSync(join(ROOT, part), join(cwd, part), { recursive: true });
    }
    for (const path of ['', ...readdirSync(cwd)]) chownSync(join(cwd, path), NOBODY, NOBODY);
    const run = (args: readonly string[]): Child =>
      startChild([...asNobody(), process.execPath, join(cwd, 'dist', 'start.cjs'), ...args], {
        cwd,
        env: { HOME: cwd, TMPDIR: cwd, PCAPID_DB: '', INIT_CWD: '/' },
      });
    const shown = await run([]).done;
    assert.equal(shown.code, 0, shown.err);
    assert.equal(shown.err, '');
    assert.match(shown.out, /^Capturing needs root or CAP_NET_RAW, .* run sudo .*npm start\n\n/);
    assert.match(shown.out, /^\(ambiguous\) python3/m);
    assert.ok(shown.out.includes(`Try next (in ${cwd}):`));
    const answers = await tryNext(shown, run);
    for (const { code, err } of answers) assert.equal(code, 0, err);
    assert.match(answers[1]!.out, /held by backup, process \d+/);
    assert.equal(statSync(join(cwd, 'captures')).uid, NOBODY);
  });
});
