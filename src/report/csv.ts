import type { Value } from '../core/record.ts';
import type { Layout, Row } from './columns.ts';

/** RFC 4180: a header, CRLF, quotes doubled. null is an empty cell, "" a quoted one. */
export function* csv(rows: Iterable<Row>, { fields, csvRaw }: Layout): Iterable<string> {
  let isFirst = true;
  for (const row of rows) {
    if (isFirst) yield lineOf(fields, true);
    isFirst = false;
    yield lineOf(
      fields.map((field) => row[field] ?? null),
      csvRaw,
    );
  }
  if (isFirst) yield lineOf(fields, true);
}

function lineOf(values: readonly Value[], raw: boolean): string {
  return `${values.map((value) => cellOf(value, raw)).join(',')}\r\n`;
}

function cellOf(value: Value, raw: boolean): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  // Spreadsheets run cells that begin like this as formulas: https://owasp.org/www-community/attacks/CSV_Injection
  const text = !raw && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
