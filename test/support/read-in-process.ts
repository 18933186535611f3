/** Commands of pcapid on the captures of captures/, in this process. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import * as zlib from 'node:zlib';
import { Command } from 'commander';
import { flows } from '../../src/cli/commands/flows.ts';
import { read } from '../../src/cli/commands/read.ts';
import { usage } from '../../src/cli/commands/usage.ts';
import { BAD_CAPTURES } from './bad-captures.ts';
import { testContext } from './context.ts';

const COMMANDS = { read, usage, flows };
const HAS_ZSTD = 'createZstdDecompress' in zlib; // from Node 22.15 on

export const CAPTURES = readdirSync('captures').filter((name) => /\.pcap(ng)?(\.\w+)?$/.test(name));
/** No captures: `read` says so and ends with 2. */
export const REFUSED = BAD_CAPTURES.filter(({ isRefused }) => isRefused).map(({ name }) => name);
/** Those that this Node can read. */
export const READABLE = CAPTURES.filter((name) => (HAS_ZSTD || !name.endsWith('.zst')) && !REFUSED.includes(name));

interface Printed {
  readonly out: string;
  readonly err: string;
}

const results = new Map<string, Promise<Printed>>();

/** Runs a command once for all tests that ask for the same. */
export function run(name: keyof typeof COMMANDS, ...args: readonly string[]): Promise<Printed> {
  const key = [name, ...args].join(' ');
  const result = results.get(key) ?? runNow(name, args);
  results.set(key, result);
  return result;
}

async function runNow(name: keyof typeof COMMANDS, args: readonly string[]): Promise<Printed> {
  const context = testContext({ cwd: process.cwd() });
  await new Command().addCommand(COMMANDS[name](context)).parseAsync([name, ...args], { from: 'user' });
  assert.equal(context.exitCode, 0, context.stderr());
  return { out: context.stdout(), err: context.stderr() };
}

export const pcapid = async (name: keyof typeof COMMANDS, ...args: readonly string[]): Promise<string> =>
  (await run(name, ...args)).out;
