import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { openStore } from '../../app/record/open-store.ts';
import { UserError } from '../../core/errors.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { fieldColumn, numberOf, type Row } from '../../report/columns.ts';
import { formatLocal, localZone } from '../../report/local-time.ts';
import { countText, formatSize } from '../../report/size.ts';
import { backUp } from '../../store/backup.ts';
import { CHECKS } from '../../store/compile-check.ts';
import { compileContents, compileIntegrity, compileKeptSince, compileSizes } from '../../store/compile-info.ts';
import { Reader } from '../../store/reader.ts';
import type { CommandModule, Context } from '../context.ts';
import { resolveDatabaseToRead } from '../database-path.ts';
import { fileLines } from '../file-words.ts';
import { addFormatOptions, type FormatFlags, printRows } from '../formats.ts';
import { KEEP_DEFAULT, type KeepTimes, parseKeep, parseMaxSize } from '../parse-keep.ts';

interface DatabaseFlags {
  readonly db?: string;
}

const EXAMPLES = `
Examples:
  pcapid db info                       what is in it, since when, how large
  pcapid db check                      is it sound, and do its counters add up?
  pcapid db prune --keep flows=1d      delete what is older, while nobody records
  pcapid db backup copy.db             a copy as of now, also while it is recorded
  pcapid db sql 'SELECT comm, count(*) FROM endpoint GROUP BY comm' --format csv

docs/schema.md explains every view and table that db sql can read.`;

export const db: CommandModule = (context) =>
  new Command('db')
    .summary('look after a database: info, check, prune, upgrade, backup, sql')
    .description('Looks after a database.')
    .addCommand(info(context))
    .addCommand(check(context))
    .addCommand(prune(context))
    .addCommand(upgrade(context))
    .addCommand(backup(context))
    .addCommand(sql(context))
    .addHelpText('after', EXAMPLES);

const exampleText = (lines: readonly string[]) => ['\nExamples:', ...lines.map((line) => `  ${line}`)].join('\n');

const withDatabase = (command: Command) => command.option('--db <file>', 'database');

const info = (context: Context): Command =>
  withDatabase(new Command('info'))
    .description('Says what a database holds.')
    .addHelpText('after', exampleText(['pcapid db info', 'pcapid db info --tables --db pcapid.db']))
    .option('--tables', 'also the size of every table; reads the whole file')
    .action((flags: DatabaseFlags & { readonly tables?: boolean }) => {
      const path = resolveDatabaseToRead(context, flags.db);
      asking(path, (reader) => {
        const [contents] = reader.all(compileContents());
        for (const line of contentLines(path, contents!)) context.out(`${line}\n`);
        for (const row of reader.all(compileKeptSince())) context.out(`${keptLine(row)}\n`);
        for (const line of fileLines(reader, isThere)) context.out(`${line}\n`);
        if (flags.tables !== true) return;
        context.out('\n');
        printFields(context, reader.all(compileSizes()), { format: 'table', limit: 0 });
      });
    });

/** What a stored text escapes is not asked for. */
const isThere = (path: string): boolean => path.includes('\\') || existsSync(path);

function contentLines(path: string, row: Row): readonly string[] {
  const number = (name: string) => numberOf(row, name);
  const time = (name: string) => (row[name] === null ? 'never' : formatLocal(number(name), localZone));
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const sizes = [`${formatSize(number('free_bytes'))} of it free`, ...(log > 0 ? [`log ${formatSize(log)}`] : [])];
  const counts = { flow: 'flows', process: 'processes', program: 'programs', socket: 'sockets', address: 'addresses' };
  return [
    `file        ${path}`,
    `schema      version ${number('schema_version')}`,
    `size        ${formatSize(number('file_bytes'))}, ${sizes.join(', ')}`,
    `recorded    ${countText(number('captures'), 'capture')}, from ${time('first_us')} to ${time('last_us')}`,
    `recorder    ${row.recorder_pid === null ? 'none' : `process ${number('recorder_pid')}, unless it died`}`,
    `holds       ${Object.entries(counts)
      .map(([one, many]) => `${number(many)} ${number(many) === 1 ? one : many}`)
      .join(', ')}`,
  ];
}

function keptLine(row: Row): string {
  const [what, fromUs, flows] = [String(row.what), numberOf(row, 'from_us'), numberOf(row, 'flows')];
  const name = what === 'flows' || what === 'sockets' || what === 'remotes' ? what : `by ${what}`;
  const gone = flows === 0 ? '' : `; ${countText(flows, 'flow')}, ${formatSize(numberOf(row, 'ip_bytes'))} deleted`;
  return `${name.padEnd(12)}${fromUs === 0 ? 'complete' : `complete since ${formatLocal(fromUs, localZone)}`}${gone}`;
}

const check = (context: Context): Command =>
  withDatabase(new Command('check'))
    .description('Checks that a database is undamaged and that its counters add up. Ends with 2 when not.')
    .addHelpText('after', exampleText(['pcapid db check', 'pcapid db check --db copy.db && echo sound']))
    .action((flags: DatabaseFlags) =>
      asking(resolveDatabaseToRead(context, flags.db), (reader) => {
        const damages = reader.all(compileIntegrity()).filter(({ what }) => what !== 'ok');
        const results = [{ what: 'the file is undamaged', rows: damages }].concat(
          CHECKS.map(({ what, query }) => ({ what, rows: [...reader.all(query)] })),
        );
        for (const { what, rows } of results) {
          context.out(`${rows.length === 0 ? 'ok     ' : 'FAILED '} ${what}\n`);
          for (const row of rows) context.out(`        ${JSON.stringify(row)}\n`);
        }
        if (results.some(({ rows }) => rows.length > 0)) context.exitCode = 2;
      }),
    );

const prune = (context: Context): Command =>
  withDatabase(new Command('prune'))
    .description('Deletes what is old, as record does while it runs.')
    .addHelpText(
      'after',
      exampleText([
        'pcapid db prune --keep flows=1d',
        'pcapid db prune --keep flows=7d,sockets=30d,minute=30d,hour=1y,day=forever',
        'pcapid db prune --max-size 500MB',
      ]),
    )
    .addOption(
      new Option('--keep <ages>', 'ages beyond which to delete')
        .default(parseKeep(KEEP_DEFAULT), KEEP_DEFAULT)
        .argParser(parseKeep),
    )
    .addOption(new Option('--max-size <size>', 'delete the oldest until it is not larger').argParser(parseMaxSize))
    .action((flags: DatabaseFlags & { readonly keep: KeepTimes; readonly maxSize?: number | null }) => {
      const path = resolveDatabaseToRead(context, flags.db);
      const before = statSync(path).size;
      const store = openStore(path, new ProcFs('/proc'));
      try {
        const keep = { ...flags.keep, maxBytes: flags.maxSize ?? null };
        while (store.prune(keep, context.nowUs(), () => performance.now(), PRUNE_BUDGET_MS));
      } finally {
        store.close();
      }
      context.err(`${path}: ${formatSize(before)} before, ${formatSize(statSync(path).size)} now\n`);
      asking(path, (reader) => {
        for (const row of reader.all(compileKeptSince())) context.out(`${keptLine(row)}\n`);
      });
    });

const upgrade = (context: Context): Command =>
  withDatabase(new Command('upgrade'))
    .description(
      'Brings a database that an older pcapid wrote to the schema of this one, as record does. Deletes nothing.',
    )
    .addHelpText('after', exampleText(['pcapid db upgrade', 'pcapid db upgrade --db old.db']))
    .action((flags: DatabaseFlags) => {
      const path = resolveDatabaseToRead(context, flags.db);
      openStore(path, new ProcFs('/proc')).close();
      context.err(`${path}: ready to be read\n`);
    });

/** Readers see what went after each of these. */
const PRUNE_BUDGET_MS = 200;

const backup = (context: Context): Command =>
  withDatabase(new Command('backup'))
    .description('Copies a database as it is now, also while it is recorded into. Ends with 2 when it is damaged.')
    .addHelpText(
      'after',
      exampleText([
        'pcapid db backup copy.db',
        'pcapid db backup /mnt/backup/pcapid.db --db /var/lib/pcapid/pcapid.db',
      ]),
    )
    .argument('<file>', 'new file')
    .action(async (file: string, flags: DatabaseFlags) => {
      const to = resolve(context.cwd, file);
      const from = resolveDatabaseToRead(context, flags.db);
      await backUp(from, to);
      context.err(`${to}: ${formatSize(statSync(to).size)}\n`);
      const damage = damageOf(to);
      if (damage === undefined) return;
      const hint = 'The copy has what can be read of it; `pcapid db check` says more.';
      throw new UserError('damaged-database', `${from} is damaged, and so is its copy: ${damage}`, hint);
    });

/** @returns what is wrong with the file, undefined: nothing */
function damageOf(path: string): string | undefined {
  try {
    const [first] = asking(path, (reader) => reader.all(compileIntegrity()));
    return first?.what === 'ok' ? undefined : String(first?.what).trim();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

const sql = (context: Context): Command =>
  addFormatOptions(withDatabase(new Command('sql')))
    .description('Answers one SELECT in SQLite’s dialect, read-only. docs/schema.md has the views and tables.')
    .addHelpText(
      'after',
      exampleText([
        "pcapid db sql 'SELECT comm, count(*) FROM endpoint GROUP BY comm'",
        "pcapid db sql 'SELECT * FROM flow_record LIMIT 10' --format ndjson",
        "pcapid db sql 'SELECT text FROM address' --format csv > addresses.csv",
      ]),
    )
    .argument('<select>', "e.g. 'SELECT * FROM flow_record LIMIT 10'")
    .action((text: string, flags: DatabaseFlags & FormatFlags) =>
      asking(resolveDatabaseToRead(context, flags.db), (reader) => {
        const query = { sql: text, params: [] };
        printFields(
          context,
          explained(reader.rows(query)),
          flags,
          explainedCall(() => reader.names(query)),
        );
      }),
    );

function asking<T>(path: string, work: (reader: Reader) => T): T {
  const reader = Reader.open(path);
  try {
    return work(reader);
  } finally {
    reader.close();
  }
}

function printFields(context: Context, rows: Iterable<Row>, flags: FormatFlags, names?: readonly string[]): void {
  const fields = names ?? (Array.isArray(rows) && rows.length > 0 ? Object.keys(rows[0]) : []);
  printRows(context, rows, flags, { available: fields.map(fieldColumn), defaults: fields, fields });
}

function* explained(rows: Generator<Row>): Generator<Row> {
  try {
    for (let next = explainedCall(() => rows.next()); next.done !== true; next = explainedCall(() => rows.next())) {
      yield next.value;
    }
  } finally {
    rows.return(undefined); // an answer that is cut short must not keep the database busy
  }
}

/** Whoever writes SQL makes mistakes in it. */
function explainedCall<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UserError || !(error instanceof Error)) throw error;
    const what = /columns\(\)/.test(error.message) ? 'this statement answers nothing' : error.message; // as DELETE
    throw new UserError('bad-sql', `db sql: ${what}`, 'One SELECT; docs/schema.md has the views and tables.');
  }
}
