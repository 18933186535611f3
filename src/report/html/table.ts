import type { ReportRow, TopRows } from '../../core/report.ts';
import { numberOf } from '../columns.ts';
import { type Html, html, type Part } from './html.ts';

/** A column of a table of the page. */
export interface PageColumn {
  readonly title: string;
  readonly kind: 'text' | 'word' | 'number' | 'bar';
  readonly isWide?: boolean; // left out where the page is narrow
  readonly cell: (row: ReportRow) => Part;
  readonly others?: (row: ReportRow) => Part; // of the row that adds up the others; absent: empty
}

/** A table whose first column names the rows. @param what plural noun of its rows */
export function table(what: string, columns: readonly PageColumn[], { rows, others }: TopRows): Html {
  if (rows.length === 0) return html`<p class="none">No ${what}.</p>`;
  return html`<div class="scroll"><table>
<thead><tr>${columns.map(({ title, ...column }) => html`<th scope="col" class="${classOf(column)}">${title}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => line(columns, (column) => column.cell(row), ''))}${others === null ? null : othersLine(what, columns, others)}</tbody>
</table></div>
`;
}

function othersLine(what: string, columns: readonly PageColumn[], others: ReportRow): Html {
  const name = `${grouped(numberOf(others, 'groups'))} other ${what}`;
  return line(columns, (column, i) => (i === 0 ? name : (column.others?.(others) ?? null)), 'others');
}

function line(
  columns: readonly PageColumn[],
  cellOf: (column: PageColumn, i: number) => Part,
  className: string,
): Html {
  const cells = columns.map((column, i) =>
    i === 0
      ? html`<th scope="row" class="${classOf(column)}">${cellOf(column, i)}</th>`
      : html`<td class="${classOf(column)}">${cellOf(column, i)}</td>`,
  );
  return html`<tr class="${className}">${cells}</tr>
`;
}

const classOf = ({ kind, isWide = false }: Pick<PageColumn, 'kind' | 'isWide'>): string =>
  isWide ? `${kind} wide` : kind;

/** 12345 as 12,345: grouped by a thin space, which no locale reads as a decimal sign (ISO 80000-1). */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u2009');
}
