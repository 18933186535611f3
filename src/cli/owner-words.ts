/** The answer of `who` in words that a person understands: owner, all holders, evidence, confidence. */
import { formatEnd, numberOf, type Row, textOf } from '../report/columns.ts';
import { escapeTerminal } from '../report/escape.ts';
import { otherSide, ownSide, type Side } from '../report/flow-columns.ts';
import { formatIso } from '../report/local-time.ts';
import type { Look } from '../report/look.ts';
import { countText } from '../report/size.ts';

/** A flow or a socket, as fields of a flow record, and everybody who held its sockets (`side`, `pid`, `comm` ...). */
export interface OwnerAnswer {
  readonly record: Row;
  readonly holders: readonly Row[];
}

const MATCH_WORDS: Readonly<Record<string, string>> = {
  cookie: 'the socket itself was seen with these packets',
  'five-tuple': 'a socket had exactly these addresses and ports',
  bound: 'a socket was bound to this address and port',
  wildcard: 'a socket was bound to this port on all addresses',
  listener: 'only the listening socket was seen, not the accepted one',
  conntrack: 'a socket had these addresses and ports before they were translated (NAT)',
  'icmp-id': 'a socket sent echo requests with this id',
  'packet-socket': 'only this process had a packet socket that sent at that time',
};

const SOURCE_WORDS: Readonly<Record<string, string>> = {
  bpf: 'told by the kernel (bpf)',
  cgroup: 'told by the kernel (cgroup)',
  diag: "from the kernel's socket tables (diag)",
  proc: 'from /proc',
  capture: 'from the packets',
  history: 'from the stored history of sockets',
};

const REASON_WORDS: Readonly<Record<string, string>> = {
  'closed-before-scan': 'not known: its socket was gone before its process could be looked up (closed-before-scan)',
  'no-permission': 'not known: its process may not be read with the rights there were (no-permission)',
  'other-netns': 'not known: it is in another network namespace of this host (other-netns)',
  forwarded: 'not this host: the packets were only forwarded',
  'not-local': 'not this host',
  kernel: 'the kernel itself',
  'no-socket': 'not known: no socket was seen there at that time (no-socket)',
  ambiguous: 'one of several processes that share the socket (ambiguous)',
  overflow: 'not known: facts were lost because a queue was full (overflow)',
};

const ROLE_WORDS: Readonly<Record<string, string>> = {
  actor: 'used by',
  creator: 'created by',
  holder: 'held by',
  listener: 'listened on by',
};

/** Lines of text; hostile text in them is escaped. */
export function answerText({ record, holders }: OwnerAnswer, look: Look): string {
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
  if (state !== null) return `open now, ${state}`;
  const from = numberOf(record, 'first_us');
  const to = numberOf(record, 'last_us');
  const span = `${formatIso(from, look.zone)} to ${formatIso(to, look.zone)}`;
  if (record.orig_packets === null || record.orig_packets === undefined)
    return `${span}, a socket without stored packets`;
  const way = (name: 'orig' | 'reply') =>
    `${countText(numberOf(record, `${name}_packets`), 'packet')} (${look.size(numberOf(record, `${name}_ip_bytes`))})`;
  const end = textOf(record, 'end_reason');
  return `${span}, ${way('orig')} sent, ${way('reply')} came back${end === null ? '' : `, ended: ${end}`}`;
}

function endLines(record: Row, side: Side, holders: readonly Row[], look: Look): string[] {
  const field = (name: string) => textOf(record, `${side}_${name}`);
  const lines = [`  ${endText(record, side)} is ${ownerWords(field)}`];
  const about = (name: string, text: string | null) => {
    if (text !== null) lines.push(`      ${name} ${text}`);
  };
  if (field('pid') !== null) about('command', field('cmdline') ?? field('exe'));
  about('unit', field('unit'));
  about('container', field('container'));
  about('evidence', evidenceWords(record, side));
  for (const holder of holders) about(ROLE_WORDS[textOf(holder, 'role') ?? ''] ?? 'held by', holderWords(holder, look));
  return lines;
}

function ownerWords(field: (name: string) => string | null): string {
  const user = field('user') ?? field('uid');
  const details = [field('exe'), user === null ? null : `user ${user}`].filter((part) => part !== null).join(', ');
  const tail = details === '' ? '' : ` (${details})`;
  if (field('pid') !== null) return `${field('comm')}, process ${field('pid')}${tail}`;
  const reason = field('reason');
  return `${reason === null ? 'not looked up yet' : (REASON_WORDS[reason] ?? reason)}${tail}`;
}

function evidenceWords(record: Row, side: Side): string | null {
  const match = textOf(record, `${side}_match`);
  const source = textOf(record, `${side}_source`);
  if (source === null) return null;
  const gapUs = numberOf(record, `${side}_gap_us`);
  const gap = gapUs > 0 ? `, ${Math.ceil(gapUs / 1000)} ms away from the packets` : '';
  const words = match === null ? '' : `${MATCH_WORDS[match] ?? match}, `;
  const confidence = textOf(record, `${side}_confidence`);
  return `${words}${SOURCE_WORDS[source] ?? source}${gap}${confidence === null ? '' : `: ${confidence}`}`;
}

/** @returns who, and when it was seen to act or to hold where that is stored */
function holderWords(holder: Row, look: Look): string {
  const user = textOf(holder, 'user') ?? textOf(holder, 'uid');
  const command = textOf(holder, 'cmdline') ?? textOf(holder, 'exe');
  const isTimed = (holder.from_us ?? null) !== null;
  const when = isTimed
    ? `, ${formatIso(numberOf(holder, 'from_us'), look.zone)} to ${formatIso(numberOf(holder, 'to_us'), look.zone)}`
    : '';
  return `${textOf(holder, 'comm')}, process ${textOf(holder, 'pid')}, user ${user}${when}${command === null ? '' : `: ${command}`}`;
}
