/** --format, --limit, --sort, --columns: how answers are printed, the same for every command that prints rows. */
import { type Command, Option } from 'commander';
import { UserError } from '../core/errors.ts';
import type { Column, Row } from '../report/columns.ts';
import { escapeTerminal } from '../report/escape.ts';
import { FORMATS, type Format, reporters } from '../report/index.ts';
import { countText } from '../report/size.ts';
import type { Order } from '../store/compile-query.ts';
import type { Context } from './context.ts';
import { parseNumber } from './filters.ts';

export interface FormatFlags {
  readonly format: Format;
  readonly limit?: number;
  readonly columns?: string;
  readonly csvRaw?: boolean;
}

/** Rows of a table when --limit is not given. Machine formats have no such limit. */
const TABLE_LIMIT = 100;
/** Fields that stand for all. */
const SOME = 3;

/** @param most rows of a table; who counts answers */
export function addFormatOptions(command: Command, most = TABLE_LIMIT): Command {
  return command
    .addOption(new Option('--format <format>', 'how to print').choices(FORMATS).default('table'))
    .addOption(
      new Option('--limit <rows>', `at most this many, 0: all (default: ${most} in a table, else all)`).argParser(
        (text) => parseNumber(text, '--limit', 0, 1e9),
      ),
    )
    .option('--columns <names>', 'columns of the table, separated by commas')
    .option('--csv-raw', 'csv cells as they are, even those that a spreadsheet would run as formulas');
}

/** @returns rows wanted, null: all */
export function limitOf({ format, limit }: FormatFlags): number | null {
  if (limit === 0) return null;
  return limit ?? (format === 'table' ? TABLE_LIMIT : null);
}

/** What to ask the database for: one row more than wanted shows that there are more. */
export const probeOf = (limit: number | null): number | null => (limit === null ? null : limit + 1);

export interface Printing {
  readonly available: readonly Column[];
  readonly defaults: readonly string[]; // columns of the table when --columns is not given
  readonly fields: readonly string[]; // of machine formats
  readonly mayBeEmpty?: boolean; // no rows are an answer, too
  readonly whyEmpty?: () => string; // asked when there are none
}

/** Checks the flags before anything is asked or printed. */
export function columnsOf({ format, columns }: FormatFlags, printing: Printing): readonly Column[] {
  const { available, defaults } = printing;
  if (columns !== undefined && format !== 'table') {
    throw new UserError(
      'columns-of-table',
      `--columns chooses the columns of a table; --format ${format} always has all fields`,
      'Leave one of them out.',
    );
  }
  const names = columns === undefined ? defaults : columns.split(',').map((name) => name.trim());
  return names.map((name) => {
    const column = available.find((one) => one.name === name);
    if (column !== undefined) return column;
    throw new UserError('bad-column', `--columns: there is no column '${name}'`, columnsHint(printing));
  });
}

/** A table can show each of the 50 fields of a record, too: these would hide what is wanted most. */
function columnsHint({ available, defaults, fields }: Printing): string {
  const names = available.map(({ name }) => name);
  const isRaw = (name: string): boolean => fields.includes(name) && !defaults.includes(name);
  const raw = names.filter(isRaw);
  if (raw.length <= SOME) return `Choose from: ${names.join(', ')}.`;
  const own = names.filter((name) => !isRaw(name)).join(', ');
  return `Choose from: ${own}, or any field of --format json (${raw.slice(0, SOME).join(', ')} ...).`;
}

/** Prints rows as they come, and says on stderr when there are none or more than the limit. Sets the exit code. */
export function printRows(context: Context, rows: Iterable<Row>, flags: FormatFlags, printing: Printing): void {
  const limit = limitOf(flags);
  const columns = columnsOf(flags, printing);
  const seen = { rows: 0, hasMore: false };
  const width = context.outIsTerminal ? context.columns : Infinity;
  const layout = { columns, fields: printing.fields, width, csvRaw: flags.csvRaw === true };
  for (const text of reporters[flags.format](counted(rows, limit, seen), layout)) context.out(text);
  if (seen.rows === 0 && printing.mayBeEmpty !== true) {
    context.err(`pcapid: nothing matched${printing.whyEmpty?.() ?? ''}\n`);
    context.exitCode = 1;
  } else if (seen.hasMore) context.err(`pcapid: only ${countText(seen.rows, 'row')} shown; --limit 0 shows all\n`);
}

function* counted(rows: Iterable<Row>, limit: number | null, seen: { rows: number; hasMore: boolean }): Iterable<Row> {
  for (const row of rows) {
    if (seen.rows === limit) {
      seen.hasMore = true;
      return;
    }
    seen.rows++;
    yield row;
  }
}

/** `--sort bytes`, `--sort bytes:asc`. Without a direction, numbers go down and names go up. */
export function parseSort<Sort extends string>(
  text: string,
  sorts: Readonly<Record<Sort, { readonly natural: 'asc' | 'desc' }>>,
): Order<Sort> {
  const [name = '', direction] = text.split(':');
  const names = Object.keys(sorts) as Sort[];
  const by = names.find((one) => one === name);
  if (by !== undefined && (direction === undefined || direction === 'asc' || direction === 'desc')) {
    return { by, direction: direction ?? sorts[by].natural };
  }
  const hint = `Choose from: ${names.join(', ')}; append :asc or :desc for a direction.`;
  throw new UserError('bad-sort', `--sort: cannot sort by '${text}'`, hint);
}

/** One line of prose on standard output below a table, on standard error beside machine formats. */
export function note(context: Context, format: Format, text: string): void {
  const line = `${escapeTerminal(text)}\n`;
  if (format === 'table') context.out(line);
  else context.err(line);
}

/** Whoever adds up a range of time is told of flows that reach beyond it. */
export function notePartly(context: Context, flows: number): void {
  if (flows === 0) return;
  const [reach, are] = flows === 1 ? ['reaches', 'is'] : ['reach', 'are'];
  context.err(`pcapid: ${countText(flows, 'flow')} ${reach} beyond the range of time and ${are} counted whole\n`);
}
