/** Entry point of `npm start`: a first look at this host, or at the demo where nothing may be captured. */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import { SECOND_US, type Us } from '../core/time.ts';
import { loadNative } from '../native/binding.ts';
import { compileFlows } from '../store/compile-query.ts';
import { Reader } from '../store/reader.ts';
import type { Context } from './context.ts';
import { processContext } from './process-context.ts';
import { reportError } from './report-error.ts';
import { demoSteps, liveSteps, quietWords, troubleWords } from './start-words.ts';

const PROGRAM = join(__dirname, 'pcapid.cjs');
const CAPTURES = join(dirname(__dirname), 'captures');
const DATABASE = 'pcapid.db';
const SECONDS = 15;
const TABLE_ROWS = '12';
/** Flows among which one with a known owner is looked for, to be proposed as a question. */
const CANDIDATES = 50;

async function start(args: readonly string[], context: Context): Promise<void> {
  if (args.length > 0) context.exitCode = await runProgram(args, 'same-group');
  else if (!(await showThisHost(context))) showDemo(context);
}

/** @returns false when nothing could be recorded; the reason has been said */
async function showThisHost(context: Context): Promise<boolean> {
  const trouble = captureTrouble();
  if (trouble !== undefined) {
    context.out(`${troubleWords(trouble, process.geteuid?.() === 0, process.execPath)}\n\n`);
    return false;
  }
  const seconds = secondsOf(context);
  const database = resolve(context.cwd, DATABASE);
  const sinceUs = context.nowUs();
  context.out(
    `Which process sends and receives what on this host? Recording for ${seconds} s; Ctrl-C ends it sooner.\n\n`,
  );
  const code = await runProgram(['record', '--db', database, '--for', `${seconds}s`], 'own-group');
  context.out('\n');
  if (code === 2) {
    context.out('So nothing was recorded.\n\n');
    return false;
  }
  context.exitCode = code;
  if (code === 0) showRecording(context, database, sinceUs);
  return true;
}

/** The environment is for tests. */
function secondsOf({ env }: Context): number {
  const seconds = Number(env.PCAPID_START_SECONDS);
  return seconds > 0 ? seconds : SECONDS;
}

function showRecording(context: Context, database: string, sinceUs: Us): void {
  const reader = Reader.open(database);
  const flows = reader.all(compileFlows({ sinceUs }, { by: 'bytes', direction: 'desc' }, CANDIDATES));
  reader.close();
  if (flows.length === 0) {
    context.out(quietWords());
    return;
  }
  // pcapid.db of the current folder is what commands read, unless the environment names another.
  const flag = context.env.PCAPID_DB ? ` --db ${database}` : '';
  ask([
    'usage',
    '--by',
    'pid',
    '--db',
    database,
    '--since',
    `@${(sinceUs / SECOND_US).toFixed(6)}`,
    '--limit',
    TABLE_ROWS,
  ]);
  context.out(liveSteps(flows, flag, otherFolder(context)));
}

function showDemo(context: Context): void {
  const database = join(mkdtempSync(join(tmpdir(), 'pcapid-demo-')), 'demo.db');
  const facts = join(CAPTURES, 'demo.facts.ndjson');
  context.out('Here is a recorded host instead, captures/demo.pcap: who sent and received what in it.\n\n');
  const stored = ask(['read', join(CAPTURES, 'demo.pcap'), '--facts', facts, '--db', database], 'pipe');
  if (stored.status === 0) {
    ask(['usage', '--by', 'pid', '--db', database]);
    context.out(demoSteps(database, otherFolder(context)));
  } else {
    context.err(`${stored.stderr}`);
    context.exitCode = 2;
  }
}

/** Why this process cannot capture; undefined: it can. */
function captureTrouble(): UserError | undefined {
  try {
    const native = loadNative();
    native.pcapVersion();
    native.pcapClose(native.pcapOpen('any', '', 64, 1 << 20, 100, 0, ''));
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

/** npm changes to the package's folder: whoever called it from elsewhere has to go there. */
function otherFolder({ env, cwd }: Context): string | undefined {
  return env.INIT_CWD === undefined || resolve(env.INIT_CWD) === cwd ? undefined : cwd;
}

function ask(args: readonly string[], stderr: 'inherit' | 'pipe' = 'inherit'): SpawnSyncReturns<Buffer> {
  return spawnSync(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'inherit', stderr] });
}

/**
 * Runs pcapid with this terminal. @returns its exit code
 *
 * A terminal sends Ctrl-C to its whole foreground group, and a second SIGINT ends a recording at once: so a recording
 * has a group of its own and gets each signal from here only. A program that reads the terminal has to stay in ours.
 */
function runProgram(args: readonly string[], group: 'own-group' | 'same-group'): Promise<number> {
  const detached = group === 'own-group';
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    stdio: [detached ? 'ignore' : 'inherit', 'inherit', 'inherit'],
    detached,
  });
  const forward = (signal: NodeJS.Signals): void => {
    const hasItAlready = signal === 'SIGINT' && !detached && process.stdin.isTTY;
    if (!hasItAlready) child.kill(signal);
    if (detached) stopForwarding();
  };
  const ignore = (): void => undefined;
  const stopForwarding = (): void => {
    process.off('SIGINT', forward).off('SIGTERM', forward);
    process.on('SIGINT', ignore).on('SIGTERM', ignore); // it is ending already, and says so
  };
  process.on('SIGINT', forward).on('SIGTERM', forward);
  return new Promise((end, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => {
      process.off('SIGINT', forward).off('SIGTERM', forward).off('SIGINT', ignore).off('SIGTERM', ignore);
      end(code ?? 128 + constants.signals[signal!]);
    });
  });
}

const context = processContext();
void start(process.argv.slice(2), context)
  .catch((error: unknown) => {
    context.exitCode = reportError(error, context);
  })
  .then(() => {
    process.exitCode = context.exitCode;
  });
