import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { OutputFile } from '../../app/files/output-file.ts';
import { isPipe } from '../../app/read/file-input.ts';
import { gatherReport } from '../../app/report/gather.ts';
import { withInputs } from '../../app/report/read-inputs.ts';
import { UserError } from '../../core/errors.ts';
import type { Report, ReportInput } from '../../core/report.ts';
import { escapeJson } from '../../report/escape.ts';
import { reportPage } from '../../report/html/page.ts';
import { localZone, utcZone, type Zone } from '../../report/local-time.ts';
import { formatSize } from '../../report/size.ts';
import { Reader } from '../../store/reader.ts';
import type { CommandModule, Context } from '../context.ts';
import { resolveDatabaseToRead } from '../database-path.ts';
import { inputOf, stopOnSignal } from '../file-inputs.ts';
import { filterText } from '../filter-text.ts';
import { addFilterOptions, type FilterFlags, filterOf, parseNumber } from '../filters.ts';
import { keepInputs } from '../keep-inputs.ts';
import { addNamingOption, type NamingFlags, namingOf } from '../naming.ts';
import { warnOfGap } from '../open-history.ts';
import { addOwnerOptions, type OwnerFlags } from '../owner-options.ts';
import { openOwnerSources } from '../owner-sources.ts';
import { ReadProgress } from '../read-progress.ts';
import { warnOfRest } from '../read-summary.ts';
import { thisRun } from '../this-run.ts';
import { askedRange } from '../usage-range.ts';
import { warnOfOwnerFilter } from '../write-chosen.ts';

interface ReportFlags extends OwnerFlags, NamingFlags, FilterFlags {
  readonly html?: string;
  readonly format?: 'json';
  readonly force: boolean;
  readonly db?: string;
  readonly limit: number;
  readonly utc?: boolean;
}

const EXAMPLES = `
Examples:
  pcapid report trip.pcapng --html trip.html         of a capture, with the owners it names
  pcapid report trip.pcap --owners pcapid.db --html trip.html
  pcapid report --since yesterday --until today --html day.html
  pcapid report --since 1h --unit nginx --port 443 --html nginx.html    filters are those of flows
  pcapid report --db server.db --html - | ssh me@desk 'cat > server.html'
  ssh root@server tcpdump -U -w - | pcapid report - --html now.html     until Ctrl-C
  pcapid report captures/demo.pcap --facts captures/demo.facts.ndjson --html demo.html

One page that needs nothing else and asks no network: who sent and received what, when
and with whom, what has no owner and why, what the names stand on. Sums are those of
usage; ranges are widened to whole minutes. With a filter they are those of the flows
that pass it, each counted whole. --format json prints the same as data.
Files are read into a temporary database below $TMPDIR, which is removed at the end.`;

/** Rows of each list: more make the page long, all are in the database. */
const ROWS = 15;
const MOST_ROWS = 1000;

export const report: CommandModule = (context) =>
  addFilterOptions(
    addOwnerOptions(
      addNamingOption(
        new Command('report')
          .argument(
            '[files...]',
            "capture files, pieces of one capture, '-' for standard input; none: the database is asked",
          )
          .option('--html <file>', "page to write, '-' for standard output")
          .addOption(new Option('--format <format>', 'print the report as data').choices(['json']))
          .option('--db <file>', 'database to read, instead of files'),
      ),
    ),
  )
    .description('Makes a page for a colleague: who sent and received what.')
    .addOption(
      new Option('--limit <rows>', 'rows of each list, the others are added up')
        .argParser((text) => parseNumber(text, '--limit', 1, MOST_ROWS))
        .default(ROWS),
    )
    .option('--force', 'replace the page if it exists', false)
    .option('--utc', 'times in UTC, those of --since and --until too (default: local)')
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], flags: ReportFlags) => makeReport(context, paths, flags));

async function makeReport(context: Context, paths: readonly string[], flags: ReportFlags): Promise<void> {
  checkFlags(paths, flags);
  const zone = flags.utc === true ? utcZone : localZone;
  const path = flags.html === undefined || flags.html === '-' ? undefined : resolve(context.cwd, flags.html);
  if (path !== undefined) keepInputs(path, paths, flags);
  if (path !== undefined) new OutputFile(path, flags).abandon(); // refused before the work
  const made = paths.length > 0 ? await ofFiles(context, paths, flags, zone) : ofDatabase(context, flags, zone);
  if (made.parts.length === 0) {
    const isEmpty = made.filter === null || Number(made.filter.captured.packets) === 0;
    context.err(isEmpty ? 'pcapid: nothing was captured in that time\n' : 'pcapid: no flow passes the filters\n');
    context.exitCode = 1;
  }
  if (flags.format === 'json') context.out(jsonOf(made));
  if (flags.html === undefined) return;
  const page = reportPage(made, { zone, naming: namingOf(flags) });
  if (path === undefined) context.out(page);
  else writePage(context, path, page, flags);
}

function writePage(context: Context, path: string, page: string, flags: ReportFlags): void {
  const bytes = new TextEncoder().encode(page);
  const output = new OutputFile(path, flags);
  try {
    output.write(bytes);
    context.err(`${formatSize(bytes.length)} written into ${flags.html}\nsha256 ${output.finish()}  ${flags.html}\n`);
  } finally {
    output.abandon();
  }
}

function checkFlags(paths: readonly string[], { html, format, db, owners, facts }: ReportFlags): void {
  if (html === undefined && format === undefined)
    throw new UserError('no-output', 'nothing to make', 'Add --html report.html, or --format json.');
  if (html === '-' && format !== undefined)
    throw new UserError('two-outputs', '--html - and --format json both print', 'Name a file: --html report.html.');
  if (html === '') throw new UserError('bad-output', '--html: the name is empty', 'Name a file.');
  if (paths.length > 0 && db !== undefined)
    throw new UserError('two-inputs', 'a report is of files or of a database', 'Leave --db or the files out.');
  if (paths.length === 0 && (owners !== undefined || facts !== undefined))
    throw new UserError('no-files', '--owners and --facts name the owners of capture files', 'Name a file.');
}

function ofDatabase(context: Context, flags: ReportFlags, zone: Zone): Report {
  const reader = Reader.open(resolveDatabaseToRead(context, flags.db));
  try {
    return gather(context, reader, flags, zone);
  } finally {
    reader.close();
  }
}

async function ofFiles(context: Context, paths: readonly string[], flags: ReportFlags, zone: Zone): Promise<Report> {
  const sources = await openOwnerSources(context, flags, paths);
  const inputs = paths.map(inputOf);
  const grows = inputs.some(isPipe);
  const progress = new ReadProgress(context, grows ? [] : paths);
  const stop = new AbortController();
  const giveUp = (): void => stop.abort();
  if (!grows) process.on('SIGINT', giveUp).on('SIGTERM', giveUp);
  try {
    return await withInputs(
      {
        ...sources,
        ...thisRun(),
        inputs,
        grows,
        factsPath: flags.facts,
        historyPath: flags.owners,
        stop: grows ? stopOnSignal() : stop.signal,
        onProgress: progress.onProgress,
      },
      (reader, { inputs, result }) => {
        progress.end();
        const made = gather(context, reader, flags, zone, inputs);
        if (made.parts.length === 0) warnOfOwnerFilter(context, flags, result.named);
        warnOfGap(context, sources.history, result.firstUs, result.lastUs);
        warnOfRest(context, result);
        return made;
      },
    );
  } finally {
    progress.end();
    process.off('SIGINT', giveUp).off('SIGTERM', giveUp);
  }
}

function gather(
  context: Context,
  reader: Reader,
  flags: ReportFlags,
  zone: Zone,
  inputs?: readonly ReportInput[],
): Report {
  const nowUs = context.nowUs();
  const filter = filterOf(flags, nowUs, zone);
  return gatherReport(reader, {
    range: askedRange(reader, filter.sinceUs, filter.untilUs),
    flows: filter,
    filterText: filterText(filter),
    ...thisRun(),
    ...(inputs !== undefined && { inputs }),
    most: flags.limit,
    atUs: nowUs,
  });
}

/** Line by line: those between the lines are the only controls that stay. */
const jsonOf = (made: Report): string => `${JSON.stringify(made, null, 2).split('\n').map(escapeJson).join('\n')}\n`;
