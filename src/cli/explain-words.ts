/** The facts, rules and losers of an explanation in words; docs/attribution.md has the rules by the same names. */
import type { ExplainedEnd, ExplainedSocket, Explanation, Person } from '../app/explain/explain-flow.ts';
import { TICK_US, type Us } from '../core/time.ts';
import { formatEnd, numberOf, type Row, textOf } from '../report/columns.ts';
import { escapeTerminal } from '../report/escape.ts';
import { formatIso } from '../report/local-time.ts';
import type { Look } from '../report/look.ts';
import { countText } from '../report/size.ts';
import { programWords } from '../report/words.ts';

/** Every rule that can fire: how the socket was found, how its life meets the flow, who of its processes. */
export const RULE_WORDS: Readonly<Record<string, string>> = {
  cookie: 'the socket is the one that kernel events told of for these packets',
  'five-tuple': 'the socket had exactly these addresses and ports',
  conntrack: 'the socket had the addresses and ports of the other side of the translation (NAT)',
  bound: 'no socket had the whole tuple; this one was bound to the address and port',
  wildcard: 'no socket had the tuple or the address; this one was bound to the port on all addresses',
  listener: 'the accepted socket was not seen; this one listened on the port',
  'icmp-id': 'the socket sent echo requests with this id',
  'there-then': 'the socket was there before the last packet and closed after the first',
  'came-with-it': 'the socket came with the first packet',
  'came-meanwhile': 'the socket came while the packets passed',
  'closed-just-before': 'the socket had the tuple last, and was closed shortly before the first packet',
  'seen-then': 'the socket was seen while the packets passed',
  'seen-after': 'the socket was first seen after the last packet',
  'acted-within': 'one process sent or received on it first while the packets passed',
  'acted-before': 'it was this process’s turn: it used the socket last before the packets, and no other meanwhile',
  'acted-after': 'who used it after its creator, or is told right after the packets, is this process',
  'took-turns': 'several processes used it while the packets passed, so each may be the one',
  'only-holder': 'nobody was seen acting; one process had it open',
  'several-holders': 'nobody was seen acting, and several processes had it open',
  'sockets-in-turn':
    'several sockets had the tuple in turn while the packets passed: who used any of them may be the one',
  'listener-holder': 'one process had the listening socket open, and it had never forked',
  'listener-forked': 'the process with the listening socket forks: a child may have accepted',
  'born-later': 'its only holder began after the first packet: it has it from somebody else',
  witness: 'only who created, opened or closed the socket is known, and it has no children',
  'kernel-socket': 'the kernel itself uses the socket',
  'nobody-known': 'the socket is known; which process had it is not',
  'no-socket': 'no socket on this tuple or port was known at that time',
  'not-local': 'the address is another host’s',
  forwarded: 'neither address is of this host',
  'other-netns': 'the address is of another network namespace, in which no socket was seen',
  kernel: 'the kernel answers such packets itself (ICMP, or a RST to a SYN)',
  overflow: 'no socket is known, and facts of that time were lost',
};

/** Why another socket is not the one. */
export const WHY_NOT_WORDS: Readonly<Record<string, string>> = {
  'closed-before': 'it was gone before the first packet',
  'came-after': 'it came after the last packet',
  'other-namespace': 'it is in another network namespace',
  'is-listener': 'it listens: a SYN shows it, but a connection has a socket of its own',
  'not-listening': 'it has no remote end and does not listen',
  'fits-worse': 'its time fits the packets less well',
  'port-only': 'it has only the port: a socket on the whole tuple comes first',
  'less-specific': 'its address is less specific than that of the one found',
  'acted-earlier': 'its turn was over when the one that is named began',
  'acted-later': 'its turn came after that of the one that is named',
  'created-only': 'it opened the socket; who opens is not who talks',
  'held-only': 'it had the socket open and was not seen acting',
  'listened-only': 'it listened; another used the accepted socket',
  'no-part': 'the parent: nobody saw it have this socket',
};

/** What was missing where nobody is named, and what would have told. */
const MISSING_WORDS: Readonly<Record<string, string>> = {
  'closed-before-scan':
    'BPF programs tell who uses a socket however short it lives: run record as root (pcapid doctor)',
  'no-permission': 'record as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, reads every user’s descriptors',
  'other-netns': 'BPF programs tell of every namespace; record --netns all captures there too',
  forwarded: 'nothing on this host: ask at the ends',
  'not-local': 'nothing on this host: ask at the other end',
  kernel: 'nothing: no process did it',
  'no-socket': 'BPF programs tell of every socket; without them one has to live until sock_diag is asked',
  ambiguous: 'BPF programs tell which of them sent or received; taking turns within a flow stays ambiguous',
  overflow: 'fewer sockets a second, or a machine with more time for the recorder',
};

/** The same where BPF programs were there. */
const MISSING_WITH_BPF: Readonly<Record<string, string>> = {
  'other-netns':
    'nothing here: BPF programs told of every namespace; a closed port, or an answer of the kernel, looks like this',
  'no-socket': 'nothing here: BPF programs told of every socket in use; a closed port looks like this',
};

/** @param sources of the recorder, in a row. @returns undefined: the reason is of a newer version */
export function missingWords(reason: string, sources: string): string | undefined {
  const isTold = sources.split(',').includes('bpf');
  return (isTold ? MISSING_WITH_BPF[reason] : undefined) ?? MISSING_WORDS[reason];
}

const VERDICT_WORDS: Readonly<Record<ExplainedEnd['verdict'], string>> = {
  agrees: 'the rules, asked again with the stored facts, give this answer by tuple and time alone',
  'agrees-by-cookie': 'the rules, asked again, give this answer by the socket that the packets themselves carried',
  differs: 'the rules, asked again with the stored facts, give another answer',
  'not-checked':
    'not asked again: it follows from the protocol, or the addresses of the interfaces, which are not stored',
};

/** Lines of facts; hostile text in them is escaped. `record` is the flow's. */
export function explanationText({ flow, ends }: Explanation, record: Row, keptFromUs: number, look: Look): string {
  const time = (us: unknown): string => formatIso(Number(us), look.zone);
  const offset = textOf(flow, 'offset_us') === null ? 'no clock is stored' : `clock offset ${flow.offset_us} us`;
  const netns = textOf(flow, 'netns') === null ? '' : `, netns ${flow.netns}`;
  const isRead = flow.backend === 'file'; // a boot of its own, called like the file
  const lines = [
    `flow ${flow.flow}, ${time(flow.first_us)} to ${time(flow.last_us)}${netns}, ${isRead ? 'of' : 'boot'} ${flow.boot_id}, ${offset}`,
    `  ${isRead ? 'read' : 'recorded'} by pcapid ${flow.version}, sources ${textOf(flow, 'sources') || 'none'}`,
    ...ends.flatMap((end) => ['', ...endLines(end, flow, record, keptFromUs, look)]),
  ];
  return `${lines.map(escapeTerminal).join('\n')}\n`;
}

function endLines(end: ExplainedEnd, flow: Row, record: Row, keptFromUs: number, look: Look): string[] {
  const { side, sockets, rules } = end;
  const reason = textOf(record, `${side}_reason`);
  const lines = [`${side} ${formatEnd(textOf(record, `${side}_addr`), textOf(record, `${side}_port`))}`];
  const chosen = sockets.filter(({ isChosen }) => isChosen);
  const lost = sockets.filter(({ isChosen }) => !isChosen);
  lines.push('  facts');
  for (const socket of chosen) lines.push(...socketLines(socket, flow.offset_us as Us | null, look));
  if (chosen.length === 0) lines.push(`    ${noFacts(end, flow, reason, keptFromUs)}`);
  lines.push(end.verdict === 'differs' ? '  rules, asked again' : '  rules');
  for (const rule of rules) lines.push(`    ${rule}: ${RULE_WORDS[rule] ?? rule}`);
  const losers = [
    ...chosen.flatMap(({ people }) => people).filter(({ whyNot }) => whyNot !== null),
    ...(end.parent === null ? [] : [end.parent]),
  ];
  if (losers.length + lost.length > 0) lines.push('  lost');
  for (const one of losers) lines.push(`    ${personWords(one)} - ${one.whyNot}: ${WHY_NOT_WORDS[one.whyNot!]}`);
  for (const one of lost) {
    lines.push(`    ${socketWords(one, look)}`);
    lines.push(`      ${one.whyNot}: ${WHY_NOT_WORDS[one.whyNot!]}`);
    for (const person of one.people) lines.push(`      ${personWords(person)}`);
  }
  if (reason !== null)
    lines.push('  would have told', `    ${missingWords(reason, textOf(flow, 'sources') ?? '') ?? reason}`);
  return [...lines, '  check', `    ${verdictWords(end)}`];
}

function noFacts({ side, verdict }: ExplainedEnd, flow: Row, reason: string | null, keptFromUs: number): string {
  const isPruned = keptFromUs > 0 && numberOf(flow, 'last_us') < keptFromUs;
  if (isPruned) return 'its sockets were deleted by age or size: only the answer is left';
  if (reason === 'other-netns') return 'none: no socket of that namespace is known';
  if (verdict === 'not-checked') return 'none: no socket was looked for';
  if (flow[`${side}_socket`] !== null) return 'its socket is no longer stored: only the answer is left';
  return 'no socket: looked for on the tuple, on the translated one, and bound to or listening on the port';
}

export function verdictWords({ verdict, computed, sockets }: ExplainedEnd): string {
  const words = VERDICT_WORDS[verdict];
  if (verdict !== 'differs') return words;
  const other = computed?.pid === null ? `${computed.reason}` : `process ${computed?.pid}`;
  const why =
    sockets.length === 0
      ? 'the facts are not stored (any more)'
      : 'the recorder also knew the moment of each handover, who had forked, and what its scans could not see';
  return `${words} (${other}): ${why}`;
}

function socketLines(socket: ExplainedSocket, offsetUs: Us | null, look: Look): string[] {
  const { people } = socket;
  const time = (us: unknown): string => formatIso(Number(us), look.zone);
  const lines = [`    ${socketWords(socket, look)}`, ...totalsLines(socket.row)];
  for (const { row, isNamed } of people) {
    const when =
      row.role_from_us === null ? 'as long as it was there' : `${time(row.role_from_us)} to ${time(row.role_to_us)}`;
    const began = offsetUs === null ? `start tick ${row.start_ticks}` : `began ${time(beganUs(row, offsetUs))}`;
    const exit = row.exit_us === null ? '' : `, ended ${time(row.exit_us)}`;
    lines.push(`      ${textOf(row, 'role') ?? 'its only process'} ${processWords(row)}${isNamed ? ' (named)' : ''}`);
    lines.push(`        ${when}; ${began}, parent ${row.parent_pid}${exit}`);
  }
  if (people.length === 0) lines.push('      nobody who had it is known');
  return lines;
}

export const beganUs = (row: Row, offsetUs: Us): Us => Number(row.start_ticks) * TICK_US + offsetUs;

function socketWords({ row }: ExplainedSocket, look: Look): string {
  const local = formatEnd(textOf(row, 'local_addr'), textOf(row, 'local_port'));
  const remote = formatEnd(textOf(row, 'remote_addr'), textOf(row, 'remote_port'));
  const number = (name: string, field: string) => (row[field] === null ? [] : [`${name} ${row[field]}`]);
  const details = [
    ...(numberOf(row, 'cookie') > 0 ? number('cookie', 'cookie') : []), // below are numbers that a reader made up
    ...number('inode', 'inode'),
    ...number('netns', 'netns'),
    ...number('uid', 'uid'),
    textOf(row, 'state_name') ?? `state ${row.state}`,
    textOf(row, 'source_name') ?? 'source not stored',
  ];
  const when = `${formatIso(numberOf(row, 'from_us'), look.zone)} to ${formatIso(numberOf(row, 'to_us'), look.zone)}`;
  return `socket ${row.id} ${local}${remote === '' ? '' : ` -> ${remote}`}, ${details.join(', ')}, ${when}`;
}

/** Of a connection of which the kernel told what it carried. */
function totalsLines(row: Row): string[] {
  if (row.sent_bytes === null) return [];
  const [sent, acked] = [numberOf(row, 'sent_bytes'), numberOf(row, 'acked_bytes')];
  const rest = sent - acked;
  const confirmed = sent === 0 ? '' : rest === 0 ? ', all confirmed' : `, ${countText(rest, 'octet')} never confirmed`;
  const received = countText(numberOf(row, 'received_bytes'), 'octet');
  return [`      carried in all, by the kernel: ${countText(sent, 'octet')} sent${confirmed}; ${received} received`];
}

const personWords = ({ row, isParent }: Person): string =>
  `${textOf(row, 'role') ?? 'process'} ${processWords(row)}${isParent ? ', parent of the one that is named' : ''}`;

function processWords(row: Row): string {
  const about = programWords(textOf(row, 'exe'), textOf(row, 'user'), textOf(row, 'uid'));
  return `${textOf(row, 'comm') || '(no name)'}, process ${row.pid}${about}`;
}
