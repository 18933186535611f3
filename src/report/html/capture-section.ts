/** What the report is made from: files with their hashes, or recordings with what they lost. */
import type { Report, ReportRow } from '../../core/report.ts';
import { numberOf, textOf } from '../columns.ts';
import { countText, formatSize } from '../size.ts';
import { type Html, html, type Part } from './html.ts';
import { type PageLook, timeText } from './look.ts';
import { grouped, table } from './table.ts';

export function captureSection(report: Report, look: PageLook): Html {
  const { inputs, captures, interfaces, made } = report;
  const passed = interfaces.rows.map(
    (row) => `${textOf(row, 'name')} (${countText(numberOf(row, 'packets'), 'packet')})`,
  );
  const first = captures.rows[0] ?? {};
  const isRead = isOfFiles(report);
  return html`<section aria-labelledby="what">
<h2 id="what">What was captured</h2>
${inputs.length === 0 ? null : filesOf(report)}${isRead ? null : recordingsOf(report, look)}${facts([
  ['Interfaces', passed.length === 0 ? null : passed.join(', ')],
  ...(isRead ? [['Owners from', ownersOf(first)] as const] : []),
  [
    'Read with',
    isRead && first.command !== made.command ? html`<code>pcapid ${textOf(first, 'command')}</code>` : null,
  ],
])}</section>
`;
}

/** Else recordings have a part in it. */
export function isOfFiles({ inputs, captures }: Report): boolean {
  return inputs.length > 0 && captures.others === null && captures.rows.every(({ backend }) => backend === 'file');
}

/** As many as are worth reading on a page; JSON has all. */
const MOST_FILES = 50;

const USES: Readonly<Record<string, string>> = {
  input: '',
  facts: 'facts about processes: ',
  owners: 'history of sockets: ',
};

function filesOf({ inputs }: Report): Html {
  const rows = inputs.slice(0, MOST_FILES).map((input): ReportRow => ({ ...input }));
  const rest = inputs.slice(MOST_FILES);
  const others = { groups: rest.length, bytes: rest.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0) };
  return table(
    'files',
    [
      { title: 'File', kind: 'text', cell: fileCell },
      {
        title: 'Size',
        kind: 'number',
        cell: (row) =>
          row.bytes === null
            ? null
            : html`${formatSize(numberOf(row, 'bytes'))}<small>${grouped(numberOf(row, 'bytes'))} octets</small>`,
        others: (row) => formatSize(numberOf(row, 'bytes')),
      },
    ],
    { rows, others: rest.length === 0 ? null : others },
  );
}

function fileCell(row: ReportRow): Html {
  const hash = textOf(row, 'sha256');
  const damage = textOf(row, 'damage');
  return html`${USES[textOf(row, 'use') ?? ''] ?? null}${textOf(row, 'path')}<small class="code">${hash === null ? 'no hash: it is no regular file, or was still being written' : `sha256 ${hash}`}</small>${damage === null ? null : html`<small>${damage}</small>`}`;
}

function ownersOf(capture: ReportRow): string {
  const sources = textOf(capture, 'sources') ?? '';
  const from: Readonly<Record<string, string>> = {
    history: 'the history of sockets that was recorded on the host',
    capture: 'facts about processes that came with the capture',
    '': 'nothing: the capture says nothing of processes',
  };
  return from[sources] ?? sources;
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
  ['looks_skipped', 'looks at new processes'],
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
