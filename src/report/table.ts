/** Aligned columns for people: fits the terminal, and shows it where something was cut. */
import type { Column, Layout, Row } from './columns.ts';
import { displayWidth, escapeTerminal, fitWidth } from './escape.ts';

const GAP = '  ';
const LEAST_WIDTH = 8; // a column that shrinks keeps at least this
const SAMPLE = 1000; // rows that decide the widths; the rest streams

export function* table(rows: Iterable<Row>, { columns: all, width }: Layout): Iterable<string> {
  const iterator = rows[Symbol.iterator]();
  let columns = all;
  let sample: string[][] = [];
  for (let next = iterator.next(); !next.done; next = iterator.next()) {
    sample.push(cellsOf(next.value, columns));
    if (sample.length === SAMPLE) break;
  }
  if (sample.length === 0) return;
  const natural = widthsOf([all.map(({ title }) => title), ...sample]);
  const kept = placesOf(all, natural, width);
  if (kept.length < all.length) {
    columns = kept.map((i) => all[i]!);
    sample = sample.map((cells) => kept.map((i) => cells[i]!));
  }
  const titles = columns.map(({ title }) => title);
  const widths = fitColumns(
    columns,
    kept.map((i) => natural[i]!),
    width,
  );
  const isCut = Number.isFinite(width);
  yield lineOf(titles, columns, widths, isCut);
  for (const cells of sample) yield lineOf(cells, columns, widths, isCut);
  for (let next = iterator.next(); !next.done; next = iterator.next()) {
    yield lineOf(cellsOf(next.value, columns), columns, widths, isCut);
  }
}

/** @returns places of the columns that stay: what is spare goes before others are cut, what may go if that is not enough */
function placesOf(columns: readonly Column[], natural: readonly number[], width: number): readonly number[] {
  const all = columns.map((_, i) => i);
  const cut = natural.map((one, i) => (columns[i]!.mayShrink ? Math.min(one, leastWidth(columns[i]!)) : one));
  const withoutSpare = without(all, natural, width, (i) => columns[i]!.isSpare === true);
  return without(withoutSpare, cut, width, (i) => columns[i]!.mayGo === true);
}

/** From the right, those that may be left out go until the line fits, or all of them have gone. */
function without(
  places: readonly number[],
  widths: readonly number[],
  width: number,
  mayLeave: (place: number) => boolean,
): readonly number[] {
  const kept = [...places];
  for (let k = places.length - 1; k >= 0 && lineWidth(kept.map((place) => widths[place]!)) > width; k--) {
    if (mayLeave(places[k]!)) kept.splice(k, 1);
  }
  return kept;
}

const leastWidth = ({ title }: Column): number => Math.max(LEAST_WIDTH, title.length);

const lineWidth = (widths: readonly number[]): number =>
  widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.length - 1);

function cellsOf(row: Row, columns: readonly Column[]): string[] {
  return columns.map(({ cell }) => escapeTerminal(cell(row)));
}

function widthsOf(lines: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const cells of lines) {
    cells.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell));
    });
  }
  return widths;
}

/** Takes from the widest column that may shrink until the line fits; if none is left, the terminal wraps the line. */
function fitColumns(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  while (lineWidth(widths) > width) {
    let widest = -1;
    columns.forEach((column, i) => {
      if (column.mayShrink && widths[i]! > leastWidth(column) && (widest < 0 || widths[i]! > widths[widest]!))
        widest = i;
    });
    if (widest < 0) break;
    widths[widest]!--;
  }
  return widths;
}

/** Columns that may not shrink are never cut: a longer cell in a later row moves its line instead. */
function lineOf(cells: readonly string[], columns: readonly Column[], widths: readonly number[], isCut: boolean) {
  const parts = cells.map((cell, i) => {
    const { align, mayShrink } = columns[i]!;
    const text = isCut && mayShrink ? fitWidth(cell, widths[i]!) : cell;
    const padding = ' '.repeat(Math.max(0, widths[i]! - displayWidth(text)));
    return align === 'right' ? padding + text : text + padding;
  });
  return `${parts.join(GAP).trimEnd()}\n`;
}
