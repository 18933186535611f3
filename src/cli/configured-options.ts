/** Gives the options of a command the values of a configuration file. The command line beats it. */
import { type Command, CommanderError, type Option } from 'commander';
import { UserError } from '../core/errors.ts';
import type { ConfigValue } from './config-file.ts';

/** Key of the words of a command line that are no options. */
export const FILTER_KEY = 'filter';

/** Of options that may be repeated. In a file they are lists. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

/** Options that a file may set. */
export function configurableOptions(command: Command): readonly Option[] {
  return command.options.filter(({ long }) => long !== '--config' && long !== '--help');
}

export const keyOf = (option: Option): string => option.long!.slice(2);

/** @throws UserError for a key that is no option, and a value that the option does not take */
export function applyConfig(command: Command, values: readonly ConfigValue[]): void {
  const options = new Map(configurableOptions(command).map((option) => [keyOf(option), option]));
  for (const config of values) {
    const { key, place } = config;
    if (key === FILTER_KEY) {
      if (typeof config.value !== 'string') throw wrongType(config, 'text such as "tcp port 443"');
      continue;
    }
    const option = options.get(key);
    if (option === undefined) {
      const known = [FILTER_KEY, ...options.keys()].sort().join(', ');
      throw new UserError('bad-config', `${place}: there is no '${key}'`, `Choose from: ${known}.`);
    }
    const value = parseValue(option, config); // also when it is not needed: a file is right or wrong as a whole
    const name = option.attributeName();
    if (command.getOptionValueSource(name) !== 'cli') command.setOptionValueWithSource(name, value, 'config');
  }
}

/** @returns the value that counts: the last */
export function configured(values: readonly ConfigValue[], key: string): ConfigValue | undefined {
  return values.filter((one) => one.key === key).at(-1);
}

/** @returns '' for none */
export function configuredFilter(values: readonly ConfigValue[]): string {
  return String(configured(values, FILTER_KEY)?.value ?? '');
}

function parseValue(option: Option, config: ConfigValue): unknown {
  const { value } = config;
  if (option.isBoolean()) {
    if (typeof value !== 'boolean') throw wrongType(config, 'true or false');
    return value;
  }
  const isList = option.parseArg === collect;
  const words = isList && Array.isArray(value) ? value : [value];
  if (!words.every((word) => typeof word === 'string' || typeof word === 'number')) {
    throw wrongType(config, isList ? 'text or a list of texts' : 'text or a number');
  }
  try {
    const parse = option.parseArg ?? ((word: string) => word);
    let parsed: unknown;
    for (const word of words) parsed = parse(String(word), parsed);
    return parsed;
  } catch (error) {
    if (error instanceof UserError) throw new UserError(error.code, `${config.place}: ${error.message}`, error.hint);
    if (!(error instanceof CommanderError)) throw error;
    const what = `${config.place}: '${String(value)}' is not valid for ${config.key}`;
    throw new UserError('bad-config', what, error.message);
  }
}

function wrongType({ key, value, place }: ConfigValue, wanted: string): UserError {
  const found = Array.isArray(value) ? 'a list' : value instanceof Date ? 'a date' : KINDS[typeof value];
  return new UserError(
    'bad-config',
    `${place}: ${key} has to be ${wanted}, not ${found ?? 'a table'}`,
    `See --${key} in pcapid record --help.`,
  );
}

const KINDS: Readonly<Record<string, string>> = { string: 'text', number: 'a number', boolean: 'true or false' };
