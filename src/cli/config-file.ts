/** Finds and reads pcapid.toml: /etc, then that of this user, whose values win; or only the one of --config. */
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { UserError } from '../core/errors.ts';
import type { Context } from './context.ts';

/** One line of a file. */
export interface ConfigValue {
  readonly key: string; // as the flag, without the dashes
  readonly value: unknown; // text, number, boolean, list ... as TOML knows them
  readonly place: string; // '/etc/pcapid.toml line 3'
}

const SYSTEM_PATH = '/etc/pcapid.toml';
const TABLE = 'record';
const MOST_OCTETS = 1 << 20;
/** Of stat(2). EACCES: the folder is closed to us, as $HOME is after sudo -u; a file that is seen has to be read. */
const ABSENT: readonly (string | undefined)[] = ['ENOENT', 'ENOTDIR', 'EACCES'];

/** @returns what is written under [record], later values win. @throws UserError */
export function readConfig(context: Pick<Context, 'env' | 'cwd'>, flag?: string): readonly ConfigValue[] {
  if (flag !== undefined) return valuesOf(resolve(context.cwd, flag), readText(resolve(context.cwd, flag), true)!);
  return [SYSTEM_PATH, userPath(context)].flatMap((path) => {
    const text = path === undefined ? undefined : readText(path, false);
    return text === undefined ? [] : valuesOf(path!, text);
  });
}

/** XDG Base Directory Specification: $XDG_CONFIG_HOME, which has to be absolute, or ~/.config. */
function userPath({ env }: Pick<Context, 'env'>): string | undefined {
  const folder = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : env.HOME && join(env.HOME, '.config');
  return folder ? join(folder, 'pcapid.toml') : undefined;
}

/** @returns undefined when there is none and none has to be */
function readText(path: string, isNamed: boolean): string | undefined {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) throw badFile(path, 'is not a regular file');
    if (stats.size > MOST_OCTETS) throw badFile(path, 'is larger than 1 MiB');
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (!isNamed && syscall === 'stat' && ABSENT.includes(code)) return undefined;
    throw badFile(path, `cannot be read (${code})`);
  }
}

function badFile(path: string, what: string): UserError {
  return new UserError('bad-config', `${path} ${what}`, 'Name a TOML file with --config, or move this one away.');
}

function valuesOf(path: string, text: string): readonly ConfigValue[] {
  const tables = parseToml(path, text);
  for (const name of Object.keys(tables)) {
    if (name === TABLE) continue;
    const hint = `Write the flags of pcapid record below [${TABLE}], e.g. ring = "16MiB".`;
    throw new UserError('bad-config', `${placeOf(path, text, undefined, name)}: there is no '${name}'`, hint);
  }
  const values = tables[TABLE] ?? {};
  if (typeof values !== 'object' || Array.isArray(values)) {
    const place = placeOf(path, text, undefined, TABLE);
    throw new UserError('bad-config', `${place}: '${TABLE}' is not a table`, `Write [${TABLE}] on a line of its own.`);
  }
  return Object.entries(values).map(([key, value]) => ({ key, value, place: placeOf(path, text, TABLE, key) }));
}

function parseToml(path: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '');
    throw new UserError(
      'bad-config',
      `${path} line ${error.line}: ${what}`,
      'See https://toml.io for how to write it.',
    );
  }
}

/** The parser does not say where a value stood: the line is looked for, and left out where it cannot be found. */
function placeOf(path: string, text: string, table: string | undefined, key: string): string {
  const name = key.replace(/[^\w-]/g, '\\$&');
  const assignment = new RegExp(`^\\s*(?:${table}\\s*\\.\\s*)?["']?${name}["']?\\s*[.=]`);
  const header = new RegExp(`^\\s*\\[+\\s*["']?${name}["']?\\s*[.\\]]`);
  const lines = text.split('\n');
  const line = lines.findIndex((one) => assignment.test(one) || (table === undefined && header.test(one)));
  return line < 0 ? path : `${path} line ${line + 1}`;
}
