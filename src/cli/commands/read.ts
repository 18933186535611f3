import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { parseFacts } from '../../app/read/fact-file.ts';
import { attributorOf, type FileResult, readFile } from '../../app/read/file-reading.ts';
import { FlowBook } from '../../app/read/flow-book.ts';
import { storeFile } from '../../app/read/store-file.ts';
import { UserError } from '../../core/errors.ts';
import { FLOW_RECORD_FIELDS } from '../../core/record.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { UserNames } from '../../linux/users.ts';
import { FLOW_DEFAULT_COLUMNS, flowColumns } from '../../report/flow-columns.ts';
import { localZone } from '../../report/local-time.ts';
import { countText, formatShare, formatSize } from '../../report/size.ts';
import type { CommandModule, Context } from '../context.ts';
import { addFormatOptions, columnsOf, type FormatFlags, printRows } from '../formats.ts';
import { ReadProgress } from '../read-progress.ts';
import { printCapture } from '../record-summary.ts';
import { VERSION } from '../version.ts';

interface ReadFlags extends FormatFlags {
  readonly db?: string;
  readonly facts?: string;
  readonly summary: boolean;
}

const EXAMPLES = `
Examples:
  pcapid read trip.pcap                            its flows, nothing is stored
  pcapid read trip.pcap --summary                  only what is in it
  pcapid read trip.pcap --db trip.db               into a database, for flows and usage
  pcapid read captures/demo.pcap --facts captures/demo.facts.ndjson

Reads classic pcap files in this release, of any byte order and precision.`;

export const read: CommandModule = (context) =>
  addFormatOptions(
    new Command('read').argument('<file>', 'capture file').option('--db <file>', 'database to store into'),
  )
    .summary('read a capture file into flows')
    .description('Reads a capture file and prints its flows, or stores them.')
    .option('--facts <file>', 'sockets and processes of the host at that time, as lines of JSON')
    .option('--summary', 'print only totals', false)
    .addHelpText('after', EXAMPLES)
    .action((path: string, flags: ReadFlags) => runRead(context, path, flags));

function runRead(context: Context, path: string, flags: ReadFlags): void {
  if (path === '-') throw new UserError('no-stdin', 'standard input is not read in this release', 'Name a file.');
  const printing = { available: flowColumns(localZone), defaults: FLOW_DEFAULT_COLUMNS, fields: FLOW_RECORD_FIELDS };
  columnsOf(flags, printing);
  const facts = flags.facts === undefined ? [] : parseFacts(readText(flags.facts), flags.facts);
  const progress = new ReadProgress(context, path);
  if (flags.db !== undefined) {
    const result = storeFile(
      { path, database: flags.db, facts, command: process.argv.slice(2).join(' '), version: VERSION },
      progress.onProgress,
    );
    progress.end();
    printCapture(context, resolve(context.cwd, flags.db));
    warnOfDamage(context, path, result);
    return;
  }
  const users = new UserNames(new ProcFs('/etc'));
  const book = new FlowBook((uid) => (facts.length === 0 ? null : (users.get(uid) ?? null)));
  const result = readFile(path, attributorOf(facts), {
    onFlows: (flows) => book.addFlows(flows),
    onAnswer: (serial, side, answer) => book.addAnswer(serial, side, answer),
    onProgress: progress.onProgress,
  });
  progress.end();
  if (!flags.summary) printRows(context, book.records(), flags, printing);
  printSummary(context, book, result, flags.summary ? 'out' : 'err');
  warnOfDamage(context, path, result);
}

function printSummary(context: Context, book: FlowBook, { counters }: FileResult, to: 'out' | 'err'): void {
  const { flows, ipBytes, namedFlows } = book.totals();
  const rest = [
    [counters.notIpPackets, 'not IP'],
    [counters.badPackets, 'cut or malformed'],
    [counters.duplicatePackets, 'seen again on another interface'],
  ] as const;
  const beside = rest.flatMap(([packets, what]) => (packets === 0 ? [] : [`${packets} ${what}`])).join(', ');
  const named = flows === 0 || namedFlows === 0 ? '' : `; ${formatShare(namedFlows / flows)} of flows named`;
  const text = `${countText(counters.packets, 'packet')}${beside === '' ? '' : ` (${beside})`}, ${countText(flows, 'flow')}, ${formatSize(ipBytes)}${named}\n`;
  context[to](text);
}

function warnOfDamage(context: Context, path: string, { damage }: FileResult): void {
  if (damage !== undefined)
    context.err(`pcapid: ${path}: ${damage.what} (octet ${damage.offset}); all before it was read\n`);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError('unreadable-file', `--facts: ${path} cannot be read (${code})`, 'Check the path.');
  }
}
