import type { Layout, Row } from './columns.ts';
import { escapeJson } from './escape.ts';

/** One array of flat records, RFC 8259; `[]` when there are none. */
export function* json(rows: Iterable<Row>, { fields }: Layout): Iterable<string> {
  let separator = '[\n';
  for (const row of rows) {
    yield `${separator}${recordText(row, fields)}`;
    separator = ',\n';
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

/** One record a line, for tools that read while we write. */
export function* ndjson(rows: Iterable<Row>, { fields }: Layout): Iterable<string> {
  for (const row of rows) yield `${recordText(row, fields)}\n`;
}

function recordText(row: Row, fields: readonly string[]): string {
  return escapeJson(JSON.stringify(Object.fromEntries(fields.map((field) => [field, row[field] ?? null]))));
}
