/** What a column is. Machine formats print the fields of a row as they are; tables print columns made for people. */
import type { Value } from '../core/record.ts';

export type Row = Readonly<Record<string, Value>>;

/** A column of a table. Cells may hold hostile text: the reporter makes it harmless. */
export interface Column {
  readonly name: string; // what --columns calls it
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly mayShrink: boolean; // may be cut, visibly, so that a table fits the terminal
  readonly isSpare?: boolean; // left out before another one is cut
  readonly mayGo?: boolean; // left out where the line does not fit however much the others are cut
  readonly cell: (row: Row) => string;
}

/** What a reporter gets besides the rows. */
export interface Layout {
  readonly columns: readonly Column[]; // of a table
  readonly fields: readonly string[]; // of machine formats: all there are, in a stable order
  readonly width: number; // of the terminal in cells; Infinity: no terminal
  readonly csvRaw: boolean; // cells as they are, even if a spreadsheet would run them as formulas
}

/** Pure: rows in, text out, as it comes. */
export type Reporter = (rows: Iterable<Row>, layout: Layout) => Iterable<string>;

/** The field itself as a column; null is an empty cell. */
export function fieldColumn(field: string): Column {
  return {
    name: field,
    title: field.toUpperCase(),
    align: /_(us|packets|bytes|port|pid|uid|holders)$/.test(field) ? 'right' : 'left',
    mayShrink: /(comm|exe|cmdline|unit|container)$/.test(field),
    cell: (row) => String(row[field] ?? ''),
  };
}

export function textOf(row: Row, field: string): string | null {
  const value = row[field];
  return value === null || value === undefined ? null : String(value);
}

/** @returns 0 for null: only for sums and sizes, where nothing and zero look the same */
export function numberOf(row: Row, field: string): number {
  return Number(row[field] ?? 0);
}

/** `addr:port`, with brackets around IPv6 (RFC 3986 section 3.2.2); without a port only the address. */
export function formatEnd(address: string | null, port: string | null): string {
  if (address === null) return '';
  if (port === null) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
