/** How much of the traffic has an owner, why the rest has none, and what the names stand on. */
import type { Report, ReportRow } from '../../core/report.ts';
import { numberOf, textOf } from '../columns.ts';
import { BESIDE_WORDS, MATCH_WORDS, NOT_LOOKED_UP, REASON_WORDS, SOURCE_WORDS } from '../words.ts';
import { bar, strip, UNATTRIBUTED_COLOUR } from './charts.ts';
import { type Html, html, type Part } from './html.ts';
import { share, size, sumOf } from './look.ts';
import { grouped, type PageColumn, table } from './table.ts';

const isAttributed = (row: ReportRow): boolean => row.attributed === 1;

export function attributedBytes({ parts }: Report): number {
  return sumOf(parts.filter(isAttributed), 'ip_bytes');
}

export function sumSection(report: Report): Html {
  const { parts, beside, filter } = report;
  const all = filter === null ? 'what was captured' : 'the flows that pass the filter';
  const whole = sumOf(parts, 'ip_bytes');
  const captured: ReportRow = { flows: sumOf(parts, 'flows'), packets: sumOf(parts, 'packets'), ip_bytes: whole };
  const ofWhole = (row: ReportRow): string => share(numberOf(row, 'ip_bytes'), whole);
  const count = (field: string) => (row: ReportRow) => grouped(numberOf(row, field));
  const columns: readonly PageColumn[] = [
    { title: 'Part', kind: 'text', cell: partName },
    { title: 'Bytes', kind: 'number', cell: size('ip_bytes') },
    { title: 'Share', kind: 'number', cell: ofWhole },
    { title: 'Packets', kind: 'number', isWide: true, cell: count('packets') },
    { title: 'Flows', kind: 'number', isWide: true, cell: count('flows') },
  ];
  const pieces = parts.map((row) => ({
    name: isAttributed(row) ? 'attributed' : (textOf(row, 'reason') ?? 'not looked up'),
    value: numberOf(row, 'ip_bytes'),
    colour: isAttributed(row) ? 'c0' : UNATTRIBUTED_COLOUR,
  }));
  return html`<section aria-labelledby="sum">
<h2 id="sum">What has an owner, and what has not</h2>
<p class="soft">Every flow once: attributed when a process is known at one of its ends, else by the reason why not. The parts add up to ${all}.</p>
${strip(`Of all bytes, ${ofWhole({ ip_bytes: attributedBytes(report) }) || '0.0 %'} are attributed`, pieces)}${table('packets', columns, { rows: [...parts, { ...captured, isSum: filter === null ? 'captured' : 'chosen' }], others: null })}${besideList(beside)}</section>
`;
}

function partName(row: ReportRow): Part {
  if (row.isSum !== undefined) return html`<strong>${textOf(row, 'isSum')}</strong>`;
  if (isAttributed(row)) return 'attributed';
  const reason = textOf(row, 'reason');
  return html`${reason ?? 'not looked up'}<small>${reason === null ? NOT_LOOKED_UP : (REASON_WORDS[reason] ?? null)}</small>`;
}

function besideList(beside: readonly ReportRow[]): Html | null {
  if (beside.length === 0) return null;
  const words = beside.map((row) => `${grouped(numberOf(row, 'packets'))} ${BESIDE_WORDS[textOf(row, 'what') ?? '']}`);
  return html`<p class="soft">Beside the sum, in packets: ${words.join(', ')}.</p>
`;
}

export function evidenceSection({ evidence }: Report): Html {
  const whole = sumOf(evidence, 'ip_bytes');
  const ofWhole = (row: ReportRow): number => (whole === 0 ? 0 : numberOf(row, 'ip_bytes') / whole);
  return html`<section aria-labelledby="evidence">
<h2 id="evidence">What the names stand on</h2>
<p class="soft">Ends of flows with a process. Exact: the evidence held while the packets passed and allows for nobody else. Likely: it was seen shortly before or after them, or fits without being proof.</p>
${table(
  'ends with a process',
  [
    { title: 'Evidence: the process had', kind: 'text', cell: (row) => word(row, 'match', MATCH_WORDS) },
    { title: 'Learnt from', kind: 'text', isWide: true, cell: (row) => word(row, 'source', SOURCE_WORDS) },
    { title: 'Confidence', kind: 'word', cell: (row) => textOf(row, 'confidence') },
    { title: 'Ends', kind: 'number', cell: (row) => grouped(numberOf(row, 'ends')) },
    { title: 'Bytes', kind: 'number', cell: size('ip_bytes') },
    { title: '', kind: 'bar', isWide: true, cell: (row) => bar(ofWhole(row)) },
  ],
  { rows: evidence, others: null },
)}</section>
`;
}

function word(row: ReportRow, field: string, words: Readonly<Record<string, string>>): Part {
  const token = textOf(row, field);
  if (token === null) return 'not said';
  return html`${words[token] ?? token}<small class="code">${token}</small>`;
}
