import { resolve } from 'node:path';
import { Command } from 'commander';
import { AnnotatedFile } from '../../app/annotate/annotated-file.ts';
import { fileNote, noteFiles } from '../../app/provenance/note-files.ts';
import { chooseFlows, flowPredicate } from '../../app/read/choose-flows.ts';
import { isPipe } from '../../app/read/file-input.ts';
import { type ReadingOptions, readFiles } from '../../app/read/file-reading.ts';
import { FlowBook } from '../../app/read/flow-book.ts';
import { FlowTotals } from '../../app/read/flow-totals.ts';
import { GrowingFlows } from '../../app/read/growing-flows.ts';
import { storeFiles } from '../../app/read/store-file.ts';
import { Attributor } from '../../attribution/attributor.ts';
import type { FlowColumns } from '../../core/flow.ts';
import { FLOW_RECORD_FIELDS, type FlowRecord } from '../../core/record.ts';
import { InterfaceNumbers } from '../../pcap/interface-numbers.ts';
import { FLOW_DEFAULT_COLUMNS, flowColumns } from '../../report/flow-columns.ts';
import { localZone } from '../../report/local-time.ts';
import { localLook } from '../../report/look.ts';
import type { FlowFilter } from '../../store/conditions.ts';
import type { CommandModule, Context } from '../context.ts';
import { inputOf, stopOnSignal } from '../file-inputs.ts';
import { warnOfChanges } from '../file-words.ts';
import { addFilterOptions, type FilterFlags, filterOf } from '../filters.ts';
import { addFormatOptions, columnsOf, type FormatFlags, type Printing, printRows } from '../formats.ts';
import { GrowingRows } from '../growing-rows.ts';
import { keepInputs } from '../keep-inputs.ts';
import { addNamingOption, type NamingFlags, namingOf } from '../naming.ts';
import { warnOfGap } from '../open-history.ts';
import { addOwnerOptions, type OwnerFlags } from '../owner-options.ts';
import { type OwnerSources, openOwnerSources } from '../owner-sources.ts';
import { ReadProgress } from '../read-progress.ts';
import { printSummary, summaryText, warnOfRest } from '../read-summary.ts';
import { namesLostText, printCapture } from '../record-summary.ts';
import { thisRun } from '../this-run.ts';
import {
  printWritten,
  refuseWriteFlags,
  type WriteChosenFlags,
  warnOfOwnerFilter,
  writeChosen,
} from '../write-chosen.ts';

interface ReadFlags extends FormatFlags, NamingFlags, OwnerFlags, FilterFlags, WriteChosenFlags {
  readonly summary: boolean;
}

const EXAMPLES = `
Examples:
  pcapid read trip.pcapng                          its flows, nothing is stored
  pcapid read trip.pcap.gz --summary               only what is in it
  pcapid read trip.pcap --decap                    what goes through GRE, VXLAN, GTP-U and other tunnels
  pcapid read ring-1.pcap ring-2.pcap              pieces of one capture, in their order
  pcapid read trip.pcap --db trip.db               into a database, for flows and report
  tcpdump -U -w - | pcapid read -                  flows while they come
  pcapid read --follow trip.pcap                   the same of a file that is still being written
  pcapid read trip.pcap --owners pcapid.db         names from what record stored on that host
  pcapid read trip.pcap --owners pcapid.db --db case.db -w named.pcapng
  pcapid read captures/demo.pcap --facts captures/demo.facts.ndjson
  pcapid read trip.pcapng --process curl           only the flows of curl; filters are those of flows
  pcapid read trip.pcap --owners pcapid.db --port 443 --user alice -w alice.pcapng

Reads pcap and pcapng of any byte order and precision, also compressed with gzip, lz4 or (Node 22.15 and newer) zstd.
While the input grows a flow has a line when it begins and another when it is quiet or over: the last line of a flow_id
is the whole flow.

-w writes the packets of the flows that pass the filters, octet for octet, with the owners on the first packet of each
flow, as annotate does; what is no packet (interfaces, names, secrets for decryption) stays. Without a filter these are
all packets; with --db the capture is stored too, and the hashes of all files with it. Filters of a process, user, unit or container need owners: of --owners, of --facts, or in the file itself.`;

export const read: CommandModule = (context) =>
  addFilterOptions(
    addOwnerOptions(
      addNamingOption(
        addFormatOptions(
          new Command('read')
            .argument('<files...>', "capture files, '-' for standard input")
            .option('--db <file>', 'database to store into'),
        ),
      ),
    ),
  )
    .description('Reads capture files and prints their flows, or stores them.')
    .option('--decap', 'flows of the innermost packets of tunnels, not of the outermost', false)
    .option('--follow', 'the last file is still being written: go on until Ctrl-C', false)
    .option('--summary', 'print only totals', false)
    .option('-w, --write <file>', 'write the packets of these flows, with their owners, as pcapng')
    .option(
      '--force',
      'replace the file of -w if it exists; with --db: store again what is stored, it counts twice',
      false,
    )
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], flags: ReadFlags) => runRead(context, paths, flags));

async function runRead(context: Context, paths: readonly string[], flags: ReadFlags): Promise<void> {
  const filter = filterOf(flags, context.nowUs(), localZone);
  const isFiltered = Object.keys(filter).length > 0;
  const printing = {
    available: flowColumns(localLook, namingOf(flags)),
    defaults: FLOW_DEFAULT_COLUMNS,
    fields: FLOW_RECORD_FIELDS,
    mayBeEmpty: !isFiltered, // the summary says so
  };
  columnsOf(flags, printing);
  refuseWriteFlags(flags, isFiltered);
  if (flags.write !== undefined) keepInputs(flags.write, paths, flags);
  const file = flags.write === undefined ? undefined : new AnnotatedFile(paths, flags.write, flags);
  const inputs = file?.inputs ?? paths.map(inputOf);
  const grows = flags.follow || inputs.some(isPipe);
  const stop = grows ? stopOnSignal() : new AbortController().signal;
  const progress = new ReadProgress(context, grows ? [] : [...paths, ...(file === undefined ? [] : paths)]);
  try {
    const sources = await openOwnerSources(context, flags, paths);
    const interfaces = new InterfaceNumbers();
    const options = { ...sources, inputs, interfaces, stop, follow: flags.follow, decap: flags.decap };
    if (flags.db === undefined) {
      const question = { paths, options, printing, progress, grows, file, filter, isFiltered };
      await printFlows(context, flags, question);
    } else {
      const stored = {
        database: flags.db,
        force: flags.force,
        factsPath: flags.facts,
        historyPath: flags.owners,
        also: file?.owners,
        ...thisRun(),
      };
      const result = await storeFiles({ ...options, ...stored }, progress.onProgress);
      const written = file && (await writeChosen(file, undefined, flags, progress.onProgress));
      progress.end();
      const database = resolve(context.cwd, flags.db);
      printCapture(context, database);
      if (flags.write !== undefined && written !== undefined) {
        printWritten(context, paths, flags.write, written);
        const files = [fileNote('output', flags.write, written.outputHash)];
        noteFiles(database, { ...thisRun(), atUs: context.nowUs(), files });
      }
      warnOfChanges(context, result.files);
      warnOfGap(context, sources.history, result.firstUs, result.lastUs);
      warnOfRest(context, result);
    }
  } finally {
    progress.end();
    file?.abandon();
  }
}

interface Question {
  readonly paths: readonly string[];
  readonly options: Omit<ReadingOptions, 'attributor'> & OwnerSources & { readonly interfaces: InterfaceNumbers };
  readonly printing: Printing;
  readonly progress: ReadProgress;
  readonly grows: boolean;
  readonly file: AnnotatedFile | undefined; // of -w
  readonly filter: FlowFilter;
  readonly isFiltered: boolean;
}

async function printFlows(context: Context, flags: ReadFlags, question: Question): Promise<void> {
  const { paths, options, printing, progress, grows, file, filter, isFiltered } = question;
  const book = new FlowBook(options.userName, (ifindex) => options.interfaces.nameOf(ifindex));
  const sums = new FlowTotals();
  const isBooked = !flags.summary || isFiltered;
  const isShownAtOnce = grows && !flags.summary && flags.format !== 'json';
  const isChosen = flowPredicate(filter);
  const growing = isShownAtOnce ? showGrowing(context, book, flags, printing, progress, isChosen) : undefined;
  const result = await readFiles(
    { ...options, attributor: new Attributor() },
    {
      tell: growing === undefined ? 'ends' : 'changes',
      onFlows(flows, _, named) {
        sums.addFlows(flows, named || growing !== undefined ? 'some' : 'last');
        if (isBooked) book.addFlows(flows);
        file?.owners.addFlows(flows);
        growing?.(flows);
      },
      onAnswer(serial, side, answer) {
        sums.addAnswer(serial, side, answer);
        if (isBooked) book.addAnswer(serial, side, answer);
        file?.owners.addAnswer(serial, side, answer);
      },
      ...(isBooked ? { onNames: (...found) => book.addNames(...found) } : {}),
      onProgress: progress.onProgress,
    },
  );
  const chosen = isFiltered ? chooseFlows(book.records(), isChosen) : undefined;
  const written = file && (await writeChosen(file, chosen, flags, progress.onProgress)); // before head has what it wants
  progress.end();
  if (!flags.summary && growing === undefined)
    printRows(context, chosen === undefined ? book.records() : book.recordsOf(chosen.serials), flags, printing);
  if (flags.summary) printSummary(context, sums.totals(), result, flags, chosen);
  else context.err(summaryText(sums.totals(), result, chosen));
  if (chosen?.serials.length === 0) context.exitCode = 1;
  if (flags.write !== undefined) printWritten(context, paths, flags.write, written);
  warnOfOwnerFilter(context, filter, result.named);
  warnOfGap(context, options.history, result.firstUs, result.lastUs);
  warnOfRest(context, result);
  const namesLost = result.counters.namesLost + book.namesLost;
  if (namesLost > 0) context.err(`pcapid: ${namesLostText(namesLost)}\n`);
}

function showGrowing(
  context: Context,
  book: FlowBook,
  flags: ReadFlags,
  printing: Printing,
  progress: ReadProgress,
  isChosen: (record: FlowRecord) => boolean,
): (flows: FlowColumns) => void {
  const growing = new GrowingFlows();
  const rows = new GrowingRows(context, flags, printing);
  return (flows) => {
    const due = growing.take(flows);
    if (due.length === 0) return;
    progress.end();
    rows.print([...book.recordsOf(due)].filter(isChosen));
  };
}
