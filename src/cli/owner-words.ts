/** The answer of `who` in words that a person understands: owner, all holders, evidence, confidence. */
import { formatEnd, numberOf, type Row, textOf } from '../report/columns.ts';
import { escapeTerminal } from '../report/escape.ts';
import { otherSide, ownSide, type Side } from '../report/flow-columns.ts';
import { formatIso } from '../report/local-time.ts';
import type { Look } from '../report/look.ts';
import { countText } from '../report/size.ts';
import { MATCH_WORDS, programWords, REASON_WORDS, SOURCE_WORDS, userWords } from '../report/words.ts';

/** A flow or a socket, as fields of a flow record, and everybody who held its sockets (`side`, `pid`, `comm` ...). */
export interface OwnerAnswer {
  readonly record: Row;
  readonly holders: readonly Row[];
  readonly lives?: readonly Row[]; // `side`, when its process began (`start_us` or `start_boot_us`), `parents`
}

/** Ends of which it is known that no process of this host stands there. */
const NOBODY_WORDS: Readonly<Record<string, string>> = {
  forwarded: 'not this host: the packets were only forwarded',
  'not-local': 'not this host',
  kernel: 'no process’s: the kernel itself handles these packets',
};

const ROLE_WORDS: Readonly<Record<string, string>> = {
  actor: 'used by',
  creator: 'created by',
  holder: 'held by',
  listener: 'listened on by',
};

/** Lines of text; hostile text in them is escaped. */
export function answerText({ record, holders, lives = [] }: OwnerAnswer, look: Look): string {
  const own = ownSide(record);
  const sides: readonly Side[] = record.dst_addr === null || record.flow_id === null ? ['src'] : [own, otherSide(own)];
  const lines = [
    headline(record),
    `  ${spanWords(record, look)}`,
    ...sides.flatMap((side) =>
      endLines(
        record,
        side,
        holders.filter((holder) => holder.side === side),
        lives.find((life) => life.side === side) ?? {},
        look,
      ),
    ),
  ];
  return `${lines.map(escapeTerminal).join('\n')}\n`;
}

function headline(record: Row): string {
  const [src, dst] = (['src', 'dst'] as const).map((side) => endText(record, side));
  return `${textOf(record, 'protocol')} ${src}${dst === '' ? '' : ` -> ${dst}`}`;
}

function endText(record: Row, side: Side): string {
  return formatEnd(textOf(record, `${side}_addr`), textOf(record, `${side}_port`));
}

function spanWords(record: Row, look: Look): string {
  const state = textOf(record, 'state');
  const open = state === null ? '' : `open now, ${state}`;
  if ((record.flow_id ?? null) === null && open !== '') return open;
  const from = numberOf(record, 'first_us');
  const to = numberOf(record, 'last_us');
  const span = `${formatIso(from, look.zone)} to ${formatIso(to, look.zone)}`;
  if (record.orig_packets === null || record.orig_packets === undefined)
    return `${span}, a socket without stored packets`;
  const way = (name: 'orig' | 'reply') =>
    `${countText(numberOf(record, `${name}_packets`), 'packet')} (${look.size(numberOf(record, `${name}_ip_bytes`))})`;
  const end = textOf(record, 'end_reason');
  if (open !== '') return `${open}; since ${formatIso(from, look.zone)} ${way('orig')} sent, ${way('reply')} came back`;
  return `${span}, ${way('orig')} sent, ${way('reply')} came back${end === null ? '' : `, ended: ${end}`}`;
}

function endLines(record: Row, side: Side, holders: readonly Row[], life: Row, look: Look): string[] {
  const field = (name: string) => textOf(record, `${side}_${name}`);
  const lines = [`  ${endText(record, side)} is ${ownerWords(field)}`];
  const about = (name: string, text: string | null) => {
    if (text !== null) lines.push(`      ${name} ${text}`);
  };
  if (field('pid') !== null) about('command', field('cmdline') ?? field('exe'));
  about('started', startWords(life, look));
  about('child of', textOf(life, 'parents'));
  about('called', nameWords(field('name'), field('name_source')));
  about('unit', field('unit'));
  about('container', field('container'));
  const evidence = evidenceWords(record, side);
  if (evidence !== null) lines.push(`      ${evidence}`);
  const [first, ...others] = holders;
  const isSaid =
    others.length === 0 && (first?.from_us ?? null) === null && textOf(first ?? {}, 'pid') === field('pid');
  for (const holder of isSaid ? [] : holders)
    about(ROLE_WORDS[textOf(holder, 'role') ?? ''] ?? 'held by', holderWords(holder, look));
  return lines;
}

function startWords(life: Row, look: Look): string | null {
  if (textOf(life, 'start_us') !== null) return formatIso(numberOf(life, 'start_us'), look.zone);
  if (textOf(life, 'start_boot_us') === null) return null;
  return `${(numberOf(life, 'start_boot_us') / 1e6).toFixed(2)} s after its host`;
}

function nameWords(name: string | null, source: string | null): string | null {
  // 'address': the newest name that anybody was told for it, not what this flow said.
  const how = source === 'address' ? ' (as its address was called last)' : source === null ? '' : ` (${source})`;
  return name === null ? null : name + how;
}

function ownerWords(field: (name: string) => string | null): string {
  const tail = programWords(field('exe'), field('user'), field('uid'));
  if (field('pid') !== null) return `${field('comm') || '(no name)'}, process ${field('pid')}${tail}`;
  const reason = field('reason');
  return `${reason === null ? 'not looked up yet' : (NOBODY_WORDS[reason] ?? unknownWords(reason))}${tail}`;
}

function unknownWords(reason: string): string {
  const words = REASON_WORDS[reason];
  return words === undefined ? reason : `not known: ${words} (${reason})`;
}

/** `exact: the kernel reported that curl (pid 4711) sent on this socket`. */
function evidenceWords(record: Row, side: Side): string | null {
  const field = (name: string) => textOf(record, `${side}_${name}`);
  const source = field('source');
  const confidence = field('confidence');
  if (source === null || confidence === null) return null;
  const pid = field('pid');
  const who =
    pid === null ? holdersWords(numberOf(record, `${side}_holders`)) : `${field('comm') || 'the process'} (pid ${pid})`;
  const gapUs = numberOf(record, `${side}_gap_us`);
  const gap = gapUs > 0 ? `, seen ${Math.ceil(gapUs / 1000)} ms away from the packets` : '';
  return `${confidence}: ${proofWords(field('match'), source, side, who)}${gap}`;
}

function proofWords(match: string | null, source: string, side: Side, who: string): string {
  const learnt = `by ${SOURCE_WORDS[source] ?? source}`;
  if (match === null) return `${who} held this socket, ${learnt}`;
  if (match !== 'cookie') return `${who} had ${MATCH_WORDS[match] ?? match}, ${learnt}`;
  const did = side === 'src' ? 'sent' : 'received';
  if (source === 'bpf') return `the kernel reported that ${who} ${did} on this socket`;
  return `${who} had the very socket of these packets, ${learnt}`;
}

function holdersWords(holders: number): string {
  return holders > 1 ? `one of ${holders} processes` : 'a process that is not known';
}

/** @returns who, and when it was seen to act or to hold where that is stored */
function holderWords(holder: Row, look: Look): string {
  const user = userWords(textOf(holder, 'user'), textOf(holder, 'uid'));
  const command = textOf(holder, 'cmdline') ?? textOf(holder, 'exe');
  const isTimed = (holder.from_us ?? null) !== null;
  const when = isTimed
    ? `, ${formatIso(numberOf(holder, 'from_us'), look.zone)} to ${formatIso(numberOf(holder, 'to_us'), look.zone)}`
    : '';
  const who = `${textOf(holder, 'comm') ?? '(no name)'}, process ${textOf(holder, 'pid')}`;
  return `${who}${user === null ? '' : `, ${user}`}${when}${command === null ? '' : `: ${command}`}`;
}
