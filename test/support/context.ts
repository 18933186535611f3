/** A Context that collects what a command prints. */
import type { Context } from '../../src/cli/context.ts';
import { NOON } from './ticks.ts';

export interface TestContext extends Context {
  readonly stdout: () => string;
  readonly stderr: () => string;
}

export function testContext(fields: Partial<Context> = {}): TestContext {
  const out: string[] = [];
  const err: string[] = [];
  return {
    env: {},
    cwd: '/',
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    outIsTerminal: false,
    errIsTerminal: false,
    columns: 80,
    nowUs: () => NOON + 60_000_000,
    exitCode: 0,
    ...fields,
    stdout: () => out.join(''),
    stderr: () => err.join(''),
  };
}
