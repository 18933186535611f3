import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { config } from '../../../src/cli/commands/config.ts';
import { record } from '../../../src/cli/commands/record.ts';
import { readConfig } from '../../../src/cli/config-file.ts';
import { applyConfig, configuredFilter } from '../../../src/cli/configured-options.ts';
import { parseKeep } from '../../../src/cli/parse-keep.ts';
import { UserError } from '../../../src/core/errors.ts';
import { testContext } from '../../support/context.ts';
import { withFolder } from '../../support/database.ts';

/** Options of `record` as this file and these words leave them. */
function optionsOf(toml: string, ...words: string[]) {
  return withFolder((folder) => {
    const path = join(folder, 'a.toml');
    writeFileSync(path, toml);
    const command = record(testContext())
      .exitOverride()
      .action(() => undefined);
    command.parse(words, { from: 'user' });
    const values = readConfig({ env: {}, cwd: folder }, 'a.toml');
    applyConfig(command, values);
    return { ...command.opts(), filter: configuredFilter(values) };
  });
}

function refusalOf(toml: string): string {
  try {
    optionsOf(toml);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    assert.notEqual(error.hint, '');
    return error.message.replace(/^.*a\.toml /, '');
  }
  throw new Error(`accepted: ${toml}`);
}

test('a file sets every kind of option as the command line does', () => {
  const toml = `[record]\ninterface = ["lo", "eth0"]\nnetns = "all"\nring = "16MiB" # comment\nsnaplen = 512
promiscuous = true\nbackend = "cap"\nfor = "1h30m"\nsources = "diag,proc"\nfilter = "udp"
keep = "flows=1d,day=forever"\nmax-size = "500MiB"`;
  const expected = {
    interface: ['lo', 'eth0'],
    netns: ['all'],
    ring: 16 << 20,
    snaplen: 512,
    promiscuous: true,
    quiet: false,
    socketsOnly: false,
    style: 'comments',
    everyPacket: false,
    force: false,
    backend: 'cap',
    for: 5_400_000_000,
    sources: ['diag', 'proc'],
    filter: 'udp',
    keep: parseKeep('flows=1d,day=forever'),
    maxSize: 500 << 20,
  };
  assert.deepEqual(optionsOf(toml), expected);
});

test('the command line beats a file, which beats the defaults', () => {
  const toml = '[record]\nsnaplen = 512\nring = "1MiB"\ninterface = ["eth0"]';
  const {
    snaplen,
    ring,
    interface: names,
  } = optionsOf(toml, '--snaplen', '1024', '-i', 'lo') as Record<string, unknown>;
  assert.deepEqual([snaplen, ring, names], [1024, 1 << 20, ['lo']]);
});

test('every flag of record is a key of the file', () => {
  const flags = record(testContext()).options.map(({ long }) => long!.slice(2));
  const known = /Choose from: (.*)\.$/.exec(hintOf('[record]\nx = 1'))![1]!.split(', ');
  assert.deepEqual(known, ['filter', ...flags.filter((flag) => flag !== 'config')].sort());
});

function hintOf(toml: string): string {
  try {
    optionsOf(toml);
  } catch (error) {
    return (error as UserError).hint;
  }
  return '';
}

test('what is wrong in a file is one sentence with the line', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['[record]\n\nrong = 1', /^line 3: there is no 'rong'$/],
    ['[record]\nring = true', /^line 2: ring has to be text or a number, not true or false$/],
    ['[record]\nring = "x"', /^line 2: --ring: 'x' is not a size$/],
    ['[record]\nquiet = "yes"', /^line 2: quiet has to be true or false, not text$/],
    ['[record]\nbackend = "x"', /^line 2: 'x' is not valid for backend$/],
    ['[record]\nsnaplen = [1]', /^line 2: snaplen has to be text or a number, not a list$/],
    ['[record]\ninterface = [true]', /^line 2: interface has to be text or a list of texts/],
    ['[record]\nfilter = 1', /^line 2: filter has to be text/],
    ['[record]\nfor = 1979-05-27', /^line 2: for has to be text or a number, not a date$/],
    ['[record.ring]\nx = 1', /ring has to be text or a number, not a table$/],
    ['ring = 1', /^line 1: there is no 'ring'$/],
    ['[rec]\nring = 1', /^line 1: there is no 'rec'$/],
    ['record = 1', /^line 1: 'record' is not a table$/],
    ['[record]\nring = ', /^line 2: /],
    ['[record]\nring = 1\nring = 2', /^line 3: /],
    ['\0', /^line 1: /],
  ];
  for (const [toml, message] of cases) assert.match(refusalOf(toml), message, toml);
});

test('an empty file and one without the table change nothing', () => {
  assert.deepEqual(optionsOf(''), optionsOf('[record]'));
});

test("the user's file beats that of the system, and a missing one is fine unless it was named", () => {
  withFolder((folder) => {
    const here = { env: { XDG_CONFIG_HOME: folder }, cwd: folder };
    const own = () => readConfig(here).filter(({ place }) => place.startsWith(folder));
    assert.deepEqual(own(), []);
    writeFileSync(join(folder, 'pcapid.toml'), '[record]\nring = "1MiB"');
    assert.deepEqual(own(), [{ key: 'ring', value: '1MiB', place: `${join(folder, 'pcapid.toml')} line 2` }]);
    assert.throws(() => readConfig(here, 'nope.toml'), { code: 'bad-config', message: /ENOENT/ });
  });
});

test('a file that is none, or is larger than any configuration, is refused and not read', () => {
  withFolder((folder) => {
    const here = { env: {}, cwd: folder };
    mkdirSync(join(folder, 'd'));
    symlinkSync('/dev/zero', join(folder, 'zero'));
    writeFileSync(join(folder, 'big'), '');
    truncateSync(join(folder, 'big'), 2 ** 40);
    for (const name of ['d', 'zero']) assert.throws(() => readConfig(here, name), { message: /not a regular file/ });
    assert.throws(() => readConfig(here, 'big'), { message: /larger than 1 MiB/ });
  });
});

test('config show prints TOML that means the same, with the place of every value', () => {
  withFolder((folder) => {
    const path = join(folder, 'pcapid.toml');
    writeFileSync(path, '[record]\ninterface = ["lo"]\nsnaplen = 512\nfilter = "port 53"\n');
    const show = (env: Record<string, string>) => {
      const context = testContext({ env, cwd: folder });
      new Command('pcapid').addCommand(config(context)).parse(['config', 'show', '--config', path], { from: 'user' });
      return context.stdout();
    };
    const text = show({ PCAPID_DB: '/x.db' });
    assert.match(text, new RegExp(`^interface = \\["lo"\\] +# ${path} line 2$`, 'm'));
    assert.match(text, /^ring = "8MiB" +# default$/m);
    assert.match(text, /^db = "\/x\.db" +# \$PCAPID_DB$/m);
    writeFileSync(join(folder, 'again.toml'), text);
    const again = readConfig({ env: {}, cwd: folder }, 'again.toml');
    assert.deepEqual(again.find(({ key }) => key === 'interface')?.value, ['lo']);
    assert.equal(configuredFilter(again), 'port 53');
    assert.doesNotThrow(() => applyConfig(record(testContext()), again));
  });
});
