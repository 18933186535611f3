/** Who sent and received, when, and with whom. */
import type { Course, Report, ReportRow, TopRows } from '../../core/report.ts';
import { formatEnd, numberOf, textOf } from '../columns.ts';
import { formatOwner, otherSide, ownSide } from '../flow-columns.ts';
import { formatSpan } from '../local-time.ts';
import { namedEnd } from '../naming.ts';
import { countText } from '../size.ts';
import { bar, colourOf, lanes, OTHERS_COLOUR, stacks, UNATTRIBUTED_COLOUR } from './charts.ts';
import { type Html, html } from './html.ts';
import { groupName, type PageLook, programName, share, size, timeText, totalOf } from './look.ts';
import { grouped, type PageColumn, table } from './table.ts';

/** Fewer bars say nothing. */
const LEAST_SLOTS = 4;

/** Columns of whatever is added up by bytes. */
function byteColumns({ rows, others }: TopRows, colour: (row: ReportRow) => string): readonly PageColumn[] {
  const whole = totalOf({ rows, others }, 'ip_bytes');
  const most = Math.max(0, ...rows.map((row) => numberOf(row, 'ip_bytes')));
  const ofWhole = (row: ReportRow): string => share(numberOf(row, 'ip_bytes'), whole);
  return [
    { title: 'Sent', kind: 'number', isWide: true, cell: size('tx_ip_bytes'), others: size('tx_ip_bytes') },
    { title: 'Received', kind: 'number', isWide: true, cell: size('rx_ip_bytes'), others: size('rx_ip_bytes') },
    { title: 'Total', kind: 'number', cell: size('ip_bytes'), others: size('ip_bytes') },
    { title: 'Share', kind: 'number', cell: ofWhole, others: ofWhole },
    {
      title: '',
      kind: 'bar',
      isWide: true,
      cell: (row) => bar(most === 0 ? 0 : numberOf(row, 'ip_bytes') / most, colour(row)),
    },
  ];
}

const flowsColumn: PageColumn = {
  title: 'Flows',
  kind: 'number',
  isWide: true,
  cell: (row) => grouped(numberOf(row, 'flows')),
  others: (row) => grouped(numberOf(row, 'flows')),
};

/** The same colour for a program in every chart: its rank among those that are named. */
function colourOfGroup({ timeline }: Report, row: ReportRow): string {
  if (textOf(row, 'reason') !== null) return UNATTRIBUTED_COLOUR;
  const rank = timeline.courses.findIndex(({ group }) => group === row);
  return rank < 0 ? OTHERS_COLOUR : colourOf(rank);
}

export function programsSection(report: Report, look: PageLook): Html {
  const { programs } = report;
  return html`<section aria-labelledby="who">
<h2 id="who">Who sent and received</h2>
<p class="soft">Bytes of IP packets, seen from the ends that are on the host: what two of its own processes exchanged counts for both.</p>
${table(
  'programs',
  [
    {
      title: 'Program',
      kind: 'text',
      cell: (row) =>
        html`${programName(row, look)}${row.exe === null ? null : html`<small class="code">${textOf(row, 'exe')}</small>`}`,
    },
    ...byteColumns(programs, (row) => colourOfGroup(report, row)),
    flowsColumn,
  ],
  programs,
)}</section>
`;
}

export function timeSection(report: Report, look: PageLook): Html {
  const { timeline } = report;
  if (timeline.slots >= LEAST_SLOTS) {
    const names = timeline.courses.map((course, i) => ({
      name: courseName(course, look),
      colour: colourOfCourse(course, i),
    }));
    return html`<section aria-labelledby="when">
<h2 id="when">When</h2>
<p class="soft">A bar for ${formatSpan(timeline.slot_us)}, stacked by program.</p>
${stacks(timeline, names, look.zone)}</section>
`;
  }
  const { first_us, last_us } = report.range;
  const { rows, others } = report.flows;
  if (rows.length === 0 || first_us === null || last_us === null) return html``;
  const rest = others === null ? '' : `, ${grouped(numberOf(others, 'groups'))} others are not shown`;
  const ordered = [...rows].sort((a, b) => numberOf(a, 'first_us') - numberOf(b, 'first_us'));
  const all = ordered.map((row) => ({
    name: `${formatOwner(row, ownSide(row))} ${remoteName(row, look)}`,
    colour: colourOfFlow(report, row),
    fromUs: numberOf(row, 'first_us'),
    toUs: numberOf(row, 'last_us'),
    value: flowBytes(row),
  }));
  return html`<section aria-labelledby="when">
<h2 id="when">When</h2>
<p class="soft">The largest flows, each from its first packet to its last${rest}.</p>
${lanes(all, Number(first_us), Number(last_us))}</section>
`;
}

/** That of the program at our end. */
function colourOfFlow({ timeline }: Report, row: ReportRow): string {
  const field = (name: string) => row[`${ownSide(row)}_${name}`] ?? null;
  if (field('pid') === null) return UNATTRIBUTED_COLOUR;
  const isSame = ({ group }: Course) =>
    group !== null && ['exe', 'uid', 'unit', 'container'].every((name) => (group[name] ?? null) === field(name));
  const rank = timeline.courses.findIndex(isSame);
  return rank < 0 ? OTHERS_COLOUR : colourOf(rank);
}

function courseName({ kind, group }: Course, look: PageLook): string {
  if (kind === 'program') return programName(group!, look);
  return kind === 'others' ? 'other programs' : 'no process known';
}

function colourOfCourse({ kind }: Course, rank: number): string {
  return kind === 'program' ? colourOf(rank) : kind === 'others' ? OTHERS_COLOUR : UNATTRIBUTED_COLOUR;
}

const MOST_CALLERS = 4;

/** Those with the most bytes, as `hosts` lists them. */
function callers(row: ReportRow): string {
  const all = (textOf(row, 'processes') ?? '').split(', ');
  const more = all.length > MOST_CALLERS ? ` and ${grouped(all.length - MOST_CALLERS)} more` : '';
  return `${all.slice(0, MOST_CALLERS).join(', ')}${more}`;
}

export function remotesSection({ remotes, services }: Report, look: PageLook): Html {
  const serviceName = (row: ReportRow): Html => {
    const port = textOf(row, 'port');
    const name = port === null ? undefined : look.naming.service(textOf(row, 'protocol') ?? '', Number(port));
    return html`${groupName(row, 'port', look)}${name === undefined ? null : html` <span class="soft">${name}</span>`}`;
  };
  return html`<section aria-labelledby="whom">
<h2 id="whom">With whom</h2>
<h3>Remote hosts</h3>
${table(
  'addresses',
  [
    {
      title: 'Address',
      kind: 'text',
      cell: (row) =>
        html`${groupName(row, 'remote', look)}${row.name === null ? null : html`<small>${textOf(row, 'name')}</small>`}`,
    },
    { title: 'Processes', kind: 'text', isWide: true, cell: callers },
    ...byteColumns(remotes, () => 'c0'),
  ],
  remotes,
)}<h3>Services</h3>
${table('services', [{ title: 'Port of the service', kind: 'text', cell: serviceName }, ...byteColumns(services, () => 'c0'), flowsColumn], services)}</section>
`;
}

export function processesSection({ processes }: Report, look: PageLook): Html {
  const parent = (row: ReportRow): string =>
    row.parent_comm === null
      ? `${textOf(row, 'parent_pid') ?? ''}`
      : `${textOf(row, 'parent_comm')}[${textOf(row, 'parent_pid')}]`;
  return html`<section aria-labelledby="processes">
<h2 id="processes">Processes</h2>
${table(
  'processes',
  [
    {
      title: 'Process',
      kind: 'text',
      cell: (row) =>
        html`${textOf(row, 'comm')}[${textOf(row, 'pid')}]<small class="code">${textOf(row, 'cmdline') ?? textOf(row, 'exe')}</small>`,
    },
    { title: 'Parent', kind: 'word', isWide: true, cell: parent },
    { title: 'User', kind: 'word', cell: (row) => textOf(row, 'user') ?? textOf(row, 'uid') },
    {
      title: 'Seen from',
      kind: 'number',
      isWide: true,
      cell: (row) => timeText(numberOf(row, 'first_us'), look).slice(5),
    },
    { title: 'Total', kind: 'number', cell: size('ip_bytes'), others: size('ip_bytes') },
    { ...flowsColumn },
  ],
  processes,
)}</section>
`;
}

export function flowsSection({ flows, range, filter }: Report, look: PageLook): Html {
  const { flows_from_us, partly_flows } = range;
  const notes = [
    ...(Number(partly_flows) > 0
      ? [
          `${countText(Number(partly_flows), 'flow')} reached beyond the range of time; here and above${filter === null ? ' under evidence and processes' : ''} such a flow counts whole.`,
        ]
      : []),
    ...(flows_from_us === null || flows_from_us === undefined
      ? []
      : [
          `Flows before ${timeText(Number(flows_from_us), look)} were deleted (record --keep): ${filter === null ? 'evidence, processes and names are of the later ones, sums are of all' : 'all that is said here is of the later ones'}.`,
        ]),
  ];
  return html`<section aria-labelledby="flows">
<h2 id="flows">Largest flows</h2>
${notes.map(
  (note) => html`<p class="soft">${note}</p>
`,
)}${table(
  'flows',
  [
    {
      title: 'Process',
      kind: 'text',
      cell: (row) => html`${formatOwner(row, ownSide(row))}<small class="wide">${evidenceOf(row)}</small>`,
    },
    { title: 'Protocol', kind: 'word', isWide: true, cell: (row) => textOf(row, 'protocol') },
    {
      title: 'Other end',
      kind: 'text',
      cell: (row) => html`${remoteName(row, look)}<small class="wide">${tuple(row)}</small>`,
    },
    {
      title: 'First packet',
      kind: 'number',
      isWide: true,
      cell: (row) => timeText(numberOf(row, 'first_us'), look).slice(5),
    },
    {
      title: 'Lasted',
      kind: 'number',
      isWide: true,
      cell: (row) => formatSpan(numberOf(row, 'last_us') - numberOf(row, 'first_us')),
    },
    {
      title: 'Packets',
      kind: 'number',
      isWide: true,
      cell: (row) => grouped(numberOf(row, 'orig_packets') + numberOf(row, 'reply_packets')),
      others: (row) => grouped(numberOf(row, 'packets')),
    },
    {
      title: 'Bytes',
      kind: 'number',
      cell: (row) => size('ip_bytes')({ ip_bytes: flowBytes(row) }),
      others: size('ip_bytes'),
    },
  ],
  flows,
)}</section>
`;
}

const flowBytes = (row: ReportRow): number => numberOf(row, 'orig_ip_bytes') + numberOf(row, 'reply_ip_bytes');

/** `→ example.org:https`, and who is there when that is this host too. */
function remoteName(row: ReportRow, { naming }: PageLook): string {
  const side = otherSide(ownSide(row));
  const end = namedEnd(row, side, side === 'dst', naming);
  const who = row[`${side}_pid`] === null ? '' : ` ${formatOwner(row, side)}`;
  return `${side === 'dst' ? '→' : '←'} ${end}${who}`;
}

const tuple = (row: ReportRow): string =>
  `${formatEnd(textOf(row, 'src_addr'), textOf(row, 'src_port'))} → ${formatEnd(textOf(row, 'dst_addr'), textOf(row, 'dst_port'))}`;

/** `exact: five-tuple, diag`. */
function evidenceOf(row: ReportRow): string {
  const field = (name: string) => textOf(row, `${ownSide(row)}_${name}`);
  if (field('pid') === null) return '';
  return `${field('confidence')}: ${[field('match'), field('source')].filter((part) => part !== null).join(', ')}`;
}
