import { Command, Option } from 'commander';
import { type Annotated, annotate as annotateFile } from '../../app/annotate/annotate.ts';
import { STYLES, type Style } from '../../app/annotate/styles.ts';
import { fileNote } from '../../app/provenance/note-files.ts';
import { escapeTerminal } from '../../report/escape.ts';
import { countText, formatShare } from '../../report/size.ts';
import type { CommandModule, Context } from '../context.ts';
import { FileNotes } from '../file-notes.ts';
import { keepInputs } from '../keep-inputs.ts';
import { warnOfGap } from '../open-history.ts';
import { addOwnerOptions, type OwnerFlags } from '../owner-options.ts';
import { openOwnerSources } from '../owner-sources.ts';
import { ReadProgress } from '../read-progress.ts';
import { thisRun } from '../this-run.ts';

interface AnnotateFlags extends OwnerFlags {
  readonly db?: string;
  readonly everyPacket: boolean;
  readonly force: boolean;
  readonly style: Style;
}

const EXAMPLES = `
Examples:
  pcapid annotate trip.pcapng named.pcapng
  pcapid annotate tcpdump.pcap named.pcapng --owners pcapid.db
  pcapid annotate captures/demo.pcap demo.pcapng --facts captures/demo.facts.ndjson
  pcapid annotate trip.pcap named.pcapng --every-packet --force
  pcapid annotate trip.pcap named.pcapng --style darwin
  pcapid annotate trip.pcap named.pcapng --db case.db

The output is the input as pcapng, octet for octet, plus the owners on the first packet of each flow. Styles:
  comments  both ends and their evidence, for every Wireshark: frame.comment contains "src.comm=curl"
  darwin    Apple's process blocks, for Wireshark 4.6: frame.darwin.process_info.pname == "curl"
  pib       Process Information Blocks, for coming versions of Wireshark. Those before show each block as a frame of
            its own, which shifts the frame numbers
Owners come from --owners, else from --facts, else from what the input itself says (comments and blocks of pcapid,
ptcpdump, rustnet, Apple's tcpdump, Hone).`;

export const annotate: CommandModule = (context) =>
  addOwnerOptions(
    new Command('annotate').argument('<input>', 'capture file').argument('<output>', 'pcapng file to write'),
  )
    .summary('write the owners of packets into a capture file')
    .description('Copies a capture file and adds the processes behind its packets.')
    .addOption(new Option('--style <style>', 'how owners are written').choices(STYLES).default('comments'))
    .option('--every-packet', 'on every packet, not only on the first of its flow', false)
    .option('--db <file>', 'database in which to note the files, their hashes and this command (see db info)')
    .option('--force', 'replace the output if it exists', false)
    .addHelpText('after', EXAMPLES)
    .action((input: string, output: string, flags: AnnotateFlags) => runAnnotate(context, input, output, flags));

async function runAnnotate(context: Context, input: string, output: string, flags: AnnotateFlags): Promise<void> {
  keepInputs(output, [input], flags);
  const notes = new FileNotes(context, flags);
  const sources = await openOwnerSources(context, flags, [input]);
  const progress = new ReadProgress(context, [input, input]);
  try {
    const done = await annotateFile({
      input,
      output,
      force: flags.force,
      every: flags.everyPacket,
      style: flags.style,
      ...sources,
      ...thisRun(),
      onProgress: progress.onProgress,
    });
    progress.end();
    printDone(context, { input, output, style: flags.style }, done);
    if (done.namedFlows === 0 && flags.owners === undefined && flags.facts === undefined)
      context.err('pcapid: the input names no processes: add --owners DB, of its host, or --facts FILE\n');
    warnOfGap(context, sources.history, done.firstUs, done.lastUs);
    await notes.write(fileNote('input', input, done.inputHashes[0]!), [fileNote('output', output, done.outputHash)]);
  } finally {
    progress.end();
  }
}

interface Written {
  readonly input: string;
  readonly output: string;
  readonly style: Style;
}

function printDone(context: Context, { input, output, style }: Written, done: Annotated): void {
  const { counts, flows, namedFlows, inputHashes, outputHash } = done;
  const share = flows === 0 ? '' : `, ${formatShare(namedFlows / flows)} of them named`;
  context.out(`${countText(counts.packets, 'packet')}, ${countText(flows, 'flow')}${share}\n`);
  const marks = style === 'comments' ? countText(counts.marked, 'comment') : countText(counts.marked, 'packet');
  context.out(`${marks} ${style === 'comments' ? 'written into' : 'with a process in'} ${escapeTerminal(output)}\n`);
  if (counts.refused > 0) {
    const why = style === 'comments' ? '' : ', or name a process already';
    context.err(`pcapid: ${countText(counts.refused, 'packet')} stand in blocks without room for more options${why}\n`);
  }
  const names = [escapeTerminal(input), escapeTerminal(output)] as const;
  context.out(`sha256 ${inputHashes[0]}  ${names[0]}\nsha256 ${outputHash}  ${names[1]}\n`);
  for (const { path, what, offset } of done.damages)
    context.err(`pcapid: ${escapeTerminal(`${path}: ${what}`)} (octet ${offset}); all before it was copied\n`);
}
