import { Command, Option } from 'commander';
import { type ExplainedEnd, type Explanation, explainFlow, type Person } from '../../app/explain/explain-flow.ts';
import { UserError } from '../../core/errors.ts';
import type { Us } from '../../core/time.ts';
import type { Row } from '../../report/columns.ts';
import { escapeJson } from '../../report/escape.ts';
import { compileFlowsKept } from '../../store/compile-explain.ts';
import { Reader } from '../../store/reader.ts';
import type { CommandModule, Context } from '../context.ts';
import { resolveDatabaseToRead } from '../database-path.ts';
import type { withExplainedFile } from '../explain-file.ts';
import { beganUs, explanationText, missingWords, RULE_WORDS, verdictWords, WHY_NOT_WORDS } from '../explain-words.ts';
import { parseNumber } from '../filters.ts';
import { addFrameOptions, asksForFrame, type FrameFlags, refuseOwnerFlags } from '../frame-flags.ts';
import { lookOf } from '../look.ts';
import { answerText } from '../owner-words.ts';

interface ExplainFlags extends FrameFlags {
  readonly utc?: boolean;
  readonly format: 'table' | 'json';
}

const EXAMPLES = `
Examples:
  pcapid explain 4711
  pcapid flows --process curl --columns flow_id,process,remote   which ids are there?
  pcapid explain 4711 --format json --db trip.db
  pcapid explain trip.pcap --frame 12 --owners pcapid.db         of a capture file
  pcapid explain captures/demo.pcap --flow 1 --facts captures/demo.facts.ndjson

First the answer. Then for each end: the sockets and processes that are stored and when they were there, the rules that
fired in their order, the sockets and processes that lost and why, and whether the rules, asked again with what is
stored, give the same answer. docs/attribution.md explains every rule by its name. Flows of a file are numbered as read
numbers them.`;

export const explain: CommandModule = (context) =>
  addFrameOptions(
    new Command('explain')
      .option('--db <file>', 'database to read')
      .option('--utc', 'times in UTC (default: local)')
      .description('Says why the ends of a flow have the owners they have: facts, rules, and what lost.')
      .argument('<flow-id|file>', 'flow_id of flows, who and every export; or a capture file'),
  )
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'))
    .addHelpText('after', EXAMPLES)
    .action((word: string, flags: ExplainFlags) => runExplain(context, word, flags));

const MOST_ID = 2 ** 53;

async function runExplain(context: Context, word: string, flags: ExplainFlags): Promise<void> {
  if (asksForFrame(flags)) {
    await inExplainedFile(context, word, flags, (reader, flowId) =>
      printFlow(context, { reader, path: word, flowId }, flags),
    );
    return;
  }
  refuseCapture(word);
  refuseOwnerFlags(flags, 'explain');
  const path = resolveDatabaseToRead(context, flags.db);
  const flowId = parseNumber(word, 'flow-id', 1, MOST_ID);
  const reader = Reader.open(path);
  try {
    printFlow(context, { reader, path, flowId }, flags);
  } finally {
    reader.close();
  }
}

function refuseCapture(word: string): void {
  if (/^\d+$/.test(word)) return;
  throw new UserError('bad-flags', `${word} is no flow_id`, 'If it is a capture file, add --flow N or --frame N.');
}

/** Whatever reads capture files is as large as all the rest. */
const inExplainedFile: typeof withExplainedFile = async (...asked) =>
  (await import('../explain-file.ts')).withExplainedFile(...asked);

interface Asked {
  readonly reader: Reader;
  readonly path: string; // for messages
  readonly flowId: number;
}

function printFlow(context: Context, { reader, path, flowId }: Asked, flags: ExplainFlags): void {
  const [kept] = reader.all(compileFlowsKept());
  const explanation = explainFlow(reader, flowId);
  if (explanation === undefined) throw noSuchFlow(path, flowId, kept!, asksForFrame(flags));
  const [record] = reader.all({ sql: 'SELECT * FROM flow_record WHERE flow_id = ?', params: [flowId] });
  if (flags.format === 'json') {
    const lines = JSON.stringify(toJson(explanation, record!), null, 2).split('\n');
    context.out(`${lines.map(escapeJson).join('\n')}\n`);
    return;
  }
  const look = lookOf(flags);
  context.out(`${answerText({ record: record!, holders: [] }, look)}\n`);
  context.out(explanationText(explanation, record!, Number(kept!.from_us), look));
  if (Number(kept!.sockets) === 0 && !asksForFrame(flags))
    context.err(`pcapid: ${path} holds no sockets, so there are no facts: record stores them, read only with names\n`);
}

function noSuchFlow(
  path: string,
  flowId: number,
  { flows, first_id, last_id, from_us }: Row,
  isFile: boolean,
): UserError {
  const list = isFile ? `pcapid read ${path}` : 'pcapid flows';
  const hint = `${list} --columns flow_id,process,remote,time lists them.`;
  if (flows === 0) return new UserError('no-such-flow', `${path} holds no flows`, 'Record or read some first.');
  const isGone = Number(from_us) > 0 && flowId < Number(first_id);
  const what = isGone ? 'was deleted by age or size, if it was there' : `is not in ${path}`;
  return new UserError('no-such-flow', `flow ${flowId} ${what}; it holds ${first_id} to ${last_id}`, hint);
}

/** Names and numbers as they are stored, tokens with their words. */
function toJson({ flow, ends }: Explanation, record: Row) {
  const { boot_id, offset_us, sources, version } = flow;
  return {
    flow: record,
    boot_id,
    clock_offset_us: offset_us,
    sources,
    version,
    ends: ends.map((end) => endOf(end, record, flow)),
  };
}

function endOf(end: ExplainedEnd, record: Row, { offset_us, sources }: Row) {
  const offsetUs = offset_us as Us | null;
  const personOf = ({ row, isNamed, isParent, whyNot }: Person) => ({
    ...row,
    began_us: offsetUs === null ? null : beganUs(row, offsetUs),
    named: isNamed,
    parent_of_named: isParent,
    ...lossOf(whyNot),
  });
  const reason = record[`${end.side}_reason`];
  return {
    side: end.side,
    sockets: end.sockets.map(({ row, isChosen, whyNot, people }) => {
      const { local_bytes, remote_bytes, source, state, source_name, state_name, role, ...rest } = row;
      const about = { ...rest, state: state_name, source: source_name, chosen: isChosen };
      return { ...about, ...lossOf(whyNot), people: people.map(personOf) };
    }),
    parent: end.parent === null ? null : personOf(end.parent),
    rules: end.rules.map((rule) => ({ rule, text: RULE_WORDS[rule] ?? null })),
    would_have_told: typeof reason === 'string' ? (missingWords(reason, String(sources ?? '')) ?? null) : null,
    check: { verdict: end.verdict, text: verdictWords(end), computed: end.computed },
  };
}

const lossOf = (whyNot: string | null) => ({
  lost_because: whyNot,
  lost_text: whyNot === null ? null : (WHY_NOT_WORDS[whyNot] ?? null),
});
