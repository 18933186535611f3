/** What the report is made from: files with their hashes, or recordings with what they lost. */
import type { Report, ReportRow } from '../../core/report.ts';
import { numberOf, textOf } from '../columns.ts';
import { formatSize } from '../size.ts';
import { type Html, html, type Part } from './html.ts';
import { type PageLook, timeText } from './look.ts';
import { grouped, table } from './table.ts';

export function captureSection(report: Report, look: PageLook): Html {
  const { inputs, captures, interfaces } = report;
  const passed = interfaces.rows
    .map((row) => `${textOf(row, 'name')} (${grouped(numberOf(row, 'packets'))} packets)`)
    .join(', ');
  return html`<section aria-labelledby="what">
<h2 id="what">What was captured</h2>
${inputs.length > 0 ? filesOf(report) : recordingsOf(report, look)}${facts([
  ['Interfaces', passed === '' ? null : passed],
  ...(inputs.length > 0 ? ownersOf(captures.rows) : []),
])}</section>
`;
}

/** As many as are worth reading on a page; JSON has all. */
const MOST_FILES = 50;

function filesOf({ inputs }: Report): Html {
  const rows = inputs.slice(0, MOST_FILES).map((input): ReportRow => ({ ...input }));
  const rest = inputs.slice(MOST_FILES);
  const others =
    rest.length === 0 ? null : { groups: rest.length, bytes: rest.reduce((sum, { bytes }) => sum + bytes, 0) };
  return table(
    'files',
    [
      {
        title: 'File',
        kind: 'text',
        cell: (row) =>
          html`${textOf(row, 'path')}<small class="code">sha256 ${textOf(row, 'sha256')}</small>${row.damage === null ? null : html`<small>${textOf(row, 'damage')}</small>`}`,
      },
      {
        title: 'Size',
        kind: 'number',
        cell: (row) =>
          html`${formatSize(numberOf(row, 'bytes'))}<small>${grouped(numberOf(row, 'bytes'))} octets</small>`,
        others: (row) => formatSize(numberOf(row, 'bytes')),
      },
    ],
    { rows, others },
  );
}

function ownersOf(captures: readonly ReportRow[]): readonly (readonly [string, Part])[] {
  const sources = textOf(captures[0] ?? {}, 'sources') ?? '';
  const from: Readonly<Record<string, string>> = {
    history: 'the history of sockets that was recorded on the host',
    capture: 'facts about processes that came with the capture',
    '': 'nothing: the capture says nothing of processes',
  };
  return [['Owners from', from[sources] ?? sources]];
}

function recordingsOf({ captures }: Report, look: PageLook): Html {
  const { rows, others } = captures;
  return table(
    'recordings',
    [
      {
        title: 'Recording',
        kind: 'text',
        cell: (row) =>
          html`${textOf(row, 'interface')} on ${textOf(row, 'host')}<small class="code">${textOf(row, 'command')}</small><small>pcapid ${textOf(row, 'version')}, ${textOf(row, 'backend')}${filterOf(row)}${sourcesOf(row)}</small>`,
      },
      {
        title: 'Time',
        kind: 'text',
        cell: (row) =>
          html`${row.started_us === null ? null : timeText(numberOf(row, 'started_us'), look)}<small>to ${timeText(numberOf(row, 'last_us'), look)}${endOf(row)}</small>`,
      },
      {
        title: 'Packets',
        kind: 'number',
        cell: (row) => grouped(numberOf(row, 'packets')),
        others: (row) => grouped(numberOf(row, 'packets')),
      },
      { title: 'Lost', kind: 'text', cell: (row) => lossesOf(row).join(', ') },
    ],
    { rows, others },
  );
}

const filterOf = (row: ReportRow): string => (textOf(row, 'filter') ? `, filter ${textOf(row, 'filter')}` : '');
const sourcesOf = (row: ReportRow): string => (textOf(row, 'sources') ? `, owners from ${textOf(row, 'sources')}` : '');
const endOf = (row: ReportRow): string =>
  row.ended_us === null ? ', still running' : row.forced === 1 ? ', it died' : '';

const LOSSES = [
  ['kernel_drops', 'packets dropped by the kernel'],
  ['interface_drops', 'packets dropped by the interface'],
  ['flows_evicted', 'flows cut: the table was full'],
  ['flows_lost', 'flows not stored'],
  ['facts_lost', 'facts about sockets'],
  ['names_lost', 'host names'],
] as const;

function lossesOf(row: ReportRow): readonly string[] {
  const lost = LOSSES.flatMap(([field, what]) =>
    numberOf(row, field) > 0 ? [`${grouped(numberOf(row, field))} ${what}`] : [],
  );
  const unknown =
    row.kernel_drops === null && row.backend !== 'file' ? ['packets dropped by the kernel: not known'] : [];
  return lost.length + unknown.length === 0 ? ['nothing'] : [...lost, ...unknown];
}

function facts(pairs: readonly (readonly [name: string, value: Part])[]): Html | null {
  const known = pairs.filter(([, value]) => value !== null);
  if (known.length === 0) return null;
  return html`<dl class="facts">
${known.map(
  ([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>
`,
)}</dl>
`;
}
