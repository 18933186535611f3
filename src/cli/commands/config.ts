import { Command, type Option } from 'commander';
import { escapeJson } from '../../report/escape.ts';
import { type ConfigValue, readConfig } from '../config-file.ts';
import { applyConfig, configurableOptions, configured, FILTER_KEY, keyOf } from '../configured-options.ts';
import type { CommandModule, Context } from '../context.ts';
import { resolveDatabaseToWrite } from '../database-path.ts';
import { record } from './record.ts';

const EXAMPLES = `
Examples:
  pcapid config show                        what pcapid record would use, and why
  pcapid config show --config test.toml     the same with this file instead

A file has the flags of pcapid record below [record], without their dashes:

  [record]
  interface = ["eth0", "wg0"]
  filter = "not port 22"
  ring = "16MiB"
  promiscuous = true

/etc/pcapid.toml is read first, then $XDG_CONFIG_HOME/pcapid.toml (~/.config), whose
values win; or only the file of --config. $PCAPID_DB beats db of a file, and a flag
on the command line beats everything.`;

export const config: CommandModule = (context) =>
  new Command('config')
    .description('Shows what the configuration files say.')
    .addHelpText('after', EXAMPLES)
    .addCommand(
      new Command('show')
        .description('Prints the effective settings of record as TOML, with the place of each.')
        .option('--config <file>', 'read this file instead')
        .action((flags: { readonly config?: string }) => showConfig(context, flags.config)),
    );

function showConfig(context: Context, file: string | undefined): void {
  const values = readConfig(context, file);
  const command = record(context);
  applyConfig(command, values);
  const lines = [
    ...configurableOptions(command).map((option) => settingOf(context, option, values)),
    settingOfKey(FILTER_KEY, values, ''),
  ];
  const width = Math.max(...lines.map(([setting]) => setting.length));
  context.out('[record]\n');
  for (const [setting, place] of lines) context.out(`${setting.padEnd(width)}  # ${place}\n`);
}

/** A line of TOML and where it comes from. What is not set stands in a comment. */
type Setting = readonly [setting: string, place: string];

function settingOf(context: Context, option: Option, values: readonly ConfigValue[]): Setting {
  const key = keyOf(option);
  if (key === 'db') return databaseOf(context, values);
  return settingOfKey(key, values, option.defaultValueDescription ?? option.defaultValue);
}

function settingOfKey(key: string, values: readonly ConfigValue[], byDefault: unknown): Setting {
  const found = configured(values, key);
  if (found !== undefined) return [`${key} = ${tomlOf(found.value)}`, found.place];
  return byDefault === undefined ? [`# ${key} =`, 'not set'] : [`${key} = ${tomlOf(byDefault)}`, 'default'];
}

function databaseOf(context: Context, values: readonly ConfigValue[]): Setting {
  const found = configured(values, 'db');
  const isNamed = (context.env.PCAPID_DB ?? '') !== '';
  if (found !== undefined && !isNamed) return settingOfKey('db', values, undefined);
  return [`db = ${tomlOf(resolveDatabaseToWrite(context))}`, isNamed ? '$PCAPID_DB' : 'default'];
}

/** JSON's texts, numbers, booleans and lists of them are TOML's. */
function tomlOf(value: unknown): string {
  return escapeJson(
    Array.isArray(value) ? `[${value.map((one) => JSON.stringify(one)).join(', ')}]` : JSON.stringify(value),
  );
}
