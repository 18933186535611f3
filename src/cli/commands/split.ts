import { Command, Option } from 'commander';
import { SPLITS, type SplitBy } from '../../app/annotate/owner-groups.ts';
import { type Split, splitFile } from '../../app/annotate/split.ts';
import { fileNote } from '../../app/provenance/note-files.ts';
import { escapeTerminal } from '../../report/escape.ts';
import { countText } from '../../report/size.ts';
import { SPLIT_DEFAULT_COLUMNS, SPLIT_FIELDS, splitColumns } from '../../report/split-columns.ts';
import type { CommandModule, Context } from '../context.ts';
import { FileNotes } from '../file-notes.ts';
import { addFormatOptions, columnsOf, type FormatFlags, printRows } from '../formats.ts';
import { warnOfGap } from '../open-history.ts';
import { addOwnerOptions, type OwnerFlags } from '../owner-options.ts';
import { openOwnerSources, warnOfNoOwners } from '../owner-sources.ts';
import { ReadProgress } from '../read-progress.ts';
import { warnOfRest } from '../read-summary.ts';
import { thisRun } from '../this-run.ts';

interface SplitFlags extends FormatFlags, OwnerFlags {
  readonly by: SplitBy;
  readonly dir: string;
  readonly db?: string;
  readonly force: boolean;
}

const EXAMPLES = `
Examples:
  pcapid split trip.pcapng --dir trip                     a file for each name of a process: trip/curl.pcapng ...
  pcapid split tcpdump.pcap --owners pcapid.db --by unit --dir units
  pcapid split trip.pcap --by remote --dir remotes        a file for each address: remotes/192.0.2.7.pcapng ...
  pcapid split trip.pcapng --by pid --dir pids --format ndjson
  pcapid split captures/demo.pcap --facts captures/demo.facts.ndjson --by user --dir users

Packets are those of the input, octet for octet, with the owners on the first packet of each flow, as annotate writes
them; interfaces, names and secrets for decryption go into every file. A packet between two owners of this host goes
into the files of both, so the files together may hold more packets than the input. What has no owner goes into
unknown.pcapng, and it is said why. Owners come from --owners, else from --facts, else from what the input itself says.
--by remote goes by the address at the other end of a conversation; where nobody knows which end is the host's own, that
is whom the first packet was for. In names of files all but letters, digits and ._@+=,- becomes %XX.`;

export const split: CommandModule = (context) =>
  addOwnerOptions(addFormatOptions(new Command('split').argument('<file>', 'capture file')))
    .description('Writes the packets of each owner, or with each remote host, into a capture file of its own.')
    .addOption(new Option('--by <owner>', 'what the files are for').choices(SPLITS).default('process'))
    .requiredOption('--dir <folder>', 'folder for the files, made if it is not there')
    .option('--db <file>', 'database in which to note the files, their hashes and this command (see db info)')
    .option('--force', 'replace files that exist', false)
    .addHelpText('after', EXAMPLES)
    .action((input: string, flags: SplitFlags) => runSplit(context, input, flags));

async function runSplit(context: Context, input: string, flags: SplitFlags): Promise<void> {
  const printing = { available: splitColumns(flags.by), defaults: SPLIT_DEFAULT_COLUMNS, fields: SPLIT_FIELDS };
  columnsOf(flags, printing);
  const notes = new FileNotes(context, flags);
  const sources = await openOwnerSources(context, flags, [input]);
  const progress = new ReadProgress(context, [input, input]);
  try {
    const done = await splitFile({
      input,
      by: flags.by,
      folder: flags.dir,
      force: flags.force,
      ...sources,
      ...thisRun(),
      onProgress: progress.onProgress,
    });
    progress.end();
    const rows = done.files.map(({ path, ...rest }) => ({ ...rest, file: path }));
    printRows(context, rows, flags, { ...printing, mayBeEmpty: true });
    sayRest(context, input, flags, done);
    warnOfGap(context, sources.history, done.result.firstUs, done.result.lastUs);
    warnOfRest(context, done.result);
    const outputs = done.files.map(({ path, sha256 }) => fileNote('output', path, sha256));
    await notes.write(fileNote('input', input, done.inputHash), outputs);
  } finally {
    progress.end();
  }
}

function sayRest(context: Context, input: string, { by }: SplitFlags, { result, unknown, inputHash }: Split): void {
  const { packets } = result.counters;
  const none = [...unknown.values()].reduce((sum, count) => sum + count, 0);
  const why = [...unknown].sort(([, a], [, b]) => b - a).map(([reason, count]) => `${count} ${reason}`);
  context.err(
    `${countText(packets, 'packet')} by ${by}, ${none} of them without ${by === 'remote' ? 'one' : 'an owner'}\n`,
  );
  if (none > 0 && (result.named || by === 'remote')) context.err(`  of these: ${why.join('; ')}\n`);
  if (!result.named && by !== 'remote') warnOfNoOwners(context);
  context.err(`${escapeTerminal(`sha256 ${inputHash}  ${input}`)}\n`);
}
