import { Command } from 'commander';
import { openDiag } from '../../app/record/observe/open-sources.ts';
import { liveOwners } from '../../app/sockets/live-owners.ts';
import { UserError } from '../../core/errors.ts';
import { FLOW_RECORD_FIELDS } from '../../core/record.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { UserNames } from '../../linux/users.ts';
import { tryNative } from '../../native/binding.ts';
import type { Row } from '../../report/columns.ts';
import { FLOW_DEFAULT_COLUMNS, flowColumns } from '../../report/flow-columns.ts';
import type { Zone } from '../../report/local-time.ts';
import { countText } from '../../report/size.ts';
import { compileHolders, compileSocketHolders, type TupleQuery } from '../../store/compile-tuple.ts';
import { findFlows, findSockets } from '../../store/find-tuple.ts';
import { Reader } from '../../store/reader.ts';
import type { CommandModule, Context } from '../context.ts';
import { findDatabase, resolveDatabaseToRead } from '../database-path.ts';
import { addFormatOptions, columnsOf, type FormatFlags, printRows, probeOf } from '../formats.ts';
import { addFrameOptions, asksForFrame, type FrameFlags, refuseOwnerFlags } from '../frame-flags.ts';
import { addLookOptions, type LookFlags, lookOf } from '../look.ts';
import { mergeAnswers } from '../merge-answers.ts';
import { answerText, type OwnerAnswer } from '../owner-words.ts';
import { parseMoment } from '../time-range.ts';
import { parseTuple } from '../tuple-query.ts';
import type { answerFrame } from '../who-frame.ts';

interface WhoFlags extends FormatFlags, LookFlags, FrameFlags {}

/** Somebody else who can answer: the live state of the kernel. Its answers come before those of the database. */
export type OwnerSource = (query: TupleQuery) => readonly OwnerAnswer[];

const ANSWERS = 5; // unless --limit says otherwise

const EXAMPLES = `
Examples:
  pcapid who 10.0.0.7:443
  pcapid who udp 53 --at 'yesterday 14:00'
  pcapid who --at '2026-11-20 14:03:07.12'   everything that lasted at that moment
  pcapid who '[2001:db8::1]:80'
  pcapid who 10.0.0.5:43210 93.184.216.34:443 --format json
  pcapid who '10.0.0.5:43210 -> 93.184.216.34:443'
  pcapid who trip.pcapng --frame 5
  pcapid who tcpdump.pcap --frame 5 --owners pcapid.db

Any part of a connection will do; what is open now comes first, then the latest
that is stored. Quote arrows and brackets: they mean something to the shell.`;

/** @param live undefined: only the database answers */
export function makeWho(live?: OwnerSource): CommandModule {
  return (context) =>
    addFrameOptions(
      addLookOptions(addFormatOptions(new Command('who').option('--db <file>', 'database to read'), ANSWERS))
        .description('Says which process a connection, or a frame of a capture, belongs to, and how that is known.')
        .argument(
          '[tuple...]',
          'address, port, both, or both ends; a protocol may come first; with --at none is needed. Or a capture file',
        )
        .option('--at <time>', "at that time, e.g. '14:03' (that minute), '2026-11-20 14:03:07.12'"),
    )
      .addHelpText('after', EXAMPLES)
      .action((words: string[], flags: WhoFlags) => answerWho(context, words, flags, live));
}

export const who: CommandModule = makeWho(askKernel);

/** Without the addon the sockets come from /proc/net. */
function askKernel(query: TupleQuery): readonly OwnerAnswer[] {
  const proc = new ProcFs('/proc');
  const users = new UserNames(new ProcFs('/etc'));
  const nowUs = Date.now() * 1000;
  const native = tryNative();
  const diag = native && openDiag(native, () => 0);
  try {
    const userName = (uid: number): string | null => users.get(uid) ?? null;
    return liveOwners(query, { proc, diag, userName, nowUs });
  } finally {
    diag?.close();
  }
}

function answerWho(
  context: Context,
  words: readonly string[],
  flags: WhoFlags,
  live: OwnerSource | undefined,
): Promise<void> | undefined {
  const look = lookOf(flags);
  const printing = { available: flowColumns(look), defaults: FLOW_DEFAULT_COLUMNS, fields: FLOW_RECORD_FIELDS };
  columnsOf(flags, printing);
  const isProse = flags.format === 'table' && flags.columns === undefined;
  if (asksForFrame(flags)) {
    return frameAnswer(context, words, flags, look).then(({ heading, answer }) => {
      if (isProse) context.out(heading + answerText(answer, look));
      else printRows(context, [answer.record], { ...flags, limit: 0 }, printing);
    });
  }
  refuseCapture(words);
  refuseOwnerFlags(flags, 'who');
  const limit = flags.limit === 0 || (flags.limit === undefined && !isProse) ? null : (flags.limit ?? ANSWERS);
  const query = { ...tupleOf(words, flags), ...rangeOf(flags.at, context.nowUs(), look.zone) };
  const now = live === undefined || flags.at !== undefined ? [] : live(query);
  const stored = storedAnswers(context, query, flags.db, probeOf(limit), live !== undefined && flags.at === undefined);
  const all = mergeAnswers(now, stored);
  const answers = all.slice(0, limit ?? undefined);
  if (isProse && answers.length > 0) {
    context.out(answers.map((answer) => answerText(answer, look)).join('\n'));
    if (all.length > answers.length)
      context.err(`pcapid: only ${countText(answers.length, 'answer')} shown; --limit 0 shows all\n`);
  } else
    printRows(
      context,
      answers.map(({ record }) => record),
      { ...flags, limit: 0 },
      printing,
    );
  return undefined;
}

/** @throws UserError when neither a connection nor a time is asked for */
function tupleOf(words: readonly string[], { at }: WhoFlags): TupleQuery {
  if (words.length > 0) return parseTuple(words);
  if (at !== undefined) return { ends: [] };
  throw new UserError(
    'no-tuple',
    'who: of which connection?',
    'Say an address, a port, both, or both ends: `who 10.0.0.7:443`; or when: `who --at 14:03`.',
  );
}

/** @throws UserError for what would be taken for the name of a host */
function refuseCapture([word]: readonly string[]): void {
  if (!/\.pcap(ng)?(\.\w+)?$/.test(word ?? '')) return;
  throw new UserError('bad-flags', `${word} is a capture file`, 'Say which frame: add --frame N, or --flow N.');
}

/** Whatever reads capture files is as large as all the rest. */
const frameAnswer: typeof answerFrame = async (...asked) => (await import('../who-frame.ts')).answerFrame(...asked);

function rangeOf(at: string | undefined, nowUs: number, zone: Zone): Pick<TupleQuery, 'range'> {
  if (at === undefined) return {};
  return { range: parseMoment(at, '--at', nowUs, zone) };
}

/** @param isOptional the kernel was asked too: without a database its answer stands alone */
function storedAnswers(
  context: Context,
  query: TupleQuery,
  db: string | undefined,
  limit: number | null,
  isOptional: boolean,
): readonly OwnerAnswer[] {
  if (isOptional && db === undefined && findDatabase(context, db) === undefined) {
    context.err('pcapid: there is no database, so only what is open now was looked at\n');
    return [];
  }
  const reader = isOptional ? tryReader(context, db) : Reader.open(resolveDatabaseToRead(context, db));
  if (reader === undefined) return [];
  try {
    const flows = findFlows(reader, query, limit);
    if (flows.length > 0)
      return flows.map((record) => ({ record, holders: reader.all(compileHolders(Number(record.flow_id))) }));
    return findSockets(reader, query, limit).map((row) => socketAnswer(row, reader));
  } finally {
    reader.close();
  }
}

/** A database that may not be read (root's, say) does not keep the kernel's answer back. */
function tryReader(context: Context, db: string | undefined): Reader | undefined {
  try {
    return Reader.open(resolveDatabaseToRead(context, db));
  } catch (error) {
    if (!(error instanceof UserError) || db !== undefined) throw error;
    context.err(`pcapid: only what is open now was looked at: ${error.message}\n`);
    return undefined;
  }
}

function socketAnswer(row: Row, reader: Reader): OwnerAnswer {
  const record = Object.fromEntries(FLOW_RECORD_FIELDS.map((field) => [field, row[field] ?? null]));
  return { record, holders: reader.all(compileSocketHolders(Number(row.socket))) };
}
