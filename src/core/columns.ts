/**
 * Rows as parallel typed arrays in a plain object: what threads exchange. A structured clone that
 * transfers the buffers arrives as the same object, so nothing is copied and no object is made per row.
 */
import { becomeSender, freeBuffers, freeOutgrown } from './arrays.ts';
import { KEY_WORDS } from './tuple.ts';

interface ColumnArrays {
  f64: Float64Array<ArrayBuffer>;
  u32: Uint32Array<ArrayBuffer>;
  u8: Uint8Array<ArrayBuffer>;
  key: Int32Array<ArrayBuffer>; // KEY_WORDS words a row, core/tuple.ts
  address: Int32Array<ArrayBuffer>; // four words a row, core/address.ts
}
export type ColumnKind = keyof ColumnArrays;
export type ColumnSpec = Readonly<Record<string, ColumnKind>>;
export type Columns<S extends ColumnSpec> = { count: number; capacity: number } & {
  -readonly [K in keyof S]: ColumnArrays[S[K]];
};

const MAKE: { [K in ColumnKind]: (rows: number) => ColumnArrays[K] } = {
  f64: (rows) => new Float64Array(rows),
  u32: (rows) => new Uint32Array(rows),
  u8: (rows) => new Uint8Array(rows),
  key: (rows) => new Int32Array(rows * KEY_WORDS),
  address: (rows) => new Int32Array(rows * 4),
};

const LEAST_ROWS = 64;

export function createColumns<S extends ColumnSpec>(spec: S, capacity = LEAST_ROWS): Columns<S> {
  if (!(capacity > 0)) throw new RangeError(`capacity must be positive, got ${capacity}`);
  return columnsOf(capacity, 0, spec, (_, kind) => MAKE[kind](capacity));
}

/**
 * The next columns of a sender: with room for as many rows as the last ones had, and a quarter more. At a steady rate
 * none grow; what is outgrown waits for the collector of garbage (a third of the memory that a storm took from malloc).
 */
export function createNext<S extends ColumnSpec>(spec: S, last: Columns<S>): Columns<S> {
  return createColumns(spec, Math.max(LEAST_ROWS, Math.ceil(last.count * 1.25)));
}

/** fromEntries(): V8 turns an object that gets more than twelve properties by name into a dictionary, slow to read. */
function columnsOf<S extends ColumnSpec>(
  capacity: number,
  count: number,
  spec: S,
  column: (name: string, kind: ColumnKind) => unknown,
): Columns<S> {
  const entries = Object.entries(spec).map(([name, kind]) => [name, column(name, kind)] as const);
  return Object.fromEntries([['count', count], ['capacity', capacity], ...entries]) as Columns<S>;
}

/** Makes room for one more row, all zero, and returns its index. Arrays are replaced when they grow. */
export function pushRow(columns: { count: number; capacity: number }): number {
  if (columns.count === columns.capacity) grow(columns as Columns<ColumnSpec>);
  return columns.count++;
}

/** Appends row `i` of `from` to `to`. */
export function copyRow<S extends ColumnSpec>(spec: S, from: Columns<S>, i: number, to: Columns<S>): void {
  const row = pushRow(to);
  for (const name of Object.keys(spec)) {
    const source = (from as Record<string, unknown>)[name] as Int32Array;
    const target = (to as Record<string, unknown>)[name] as Int32Array;
    const width = source.length / from.capacity;
    if (width === 1) target[row] = source[i]!;
    else target.set(source.subarray(i * width, (i + 1) * width), row * width);
  }
}

/** Appends all rows of `from` to `to`. */
export function copyRows<S extends ColumnSpec>(spec: S, from: Columns<S>, to: Columns<S>): void {
  for (let i = 0; i < from.count; i++) copyRow(spec, from, i, to);
}

function grow(columns: Columns<ColumnSpec>): void {
  const capacity = columns.capacity * 2;
  const outgrown = buffersOf(columns);
  for (const [name, value] of Object.entries(columns)) {
    if (!ArrayBuffer.isView(value)) continue;
    const old = value as Uint8Array;
    const width = old.length / columns.capacity;
    const next = new (old.constructor as Uint8ArrayConstructor)(capacity * width);
    next.set(old);
    columns[name] = next as never;
  }
  columns.capacity = capacity;
  freeOutgrown(outgrown);
}

/** Buffers for postMessage(columns, transferList(columns)); the sender's columns are empty afterwards. */
export function transferList(columns: object): ArrayBuffer[] {
  becomeSender();
  return buffersOf(columns);
}

function buffersOf(columns: object): ArrayBuffer[] {
  const buffers: ArrayBuffer[] = [];
  for (const value of Object.values(columns)) if (ArrayBuffer.isView(value)) buffers.push(value.buffer as ArrayBuffer);
  return buffers;
}

/** Nobody reads them any more. */
export function freeColumns(...all: readonly object[]): void {
  freeBuffers(all.flatMap(buffersOf));
}

/** Rows `from` to `to` (not included) as columns of their own, without a copy: for who works in slices. */
function sliceColumns<S extends ColumnSpec>(spec: S, columns: Columns<S>, from: number, to: number): Columns<S> {
  return columnsOf(to - from, to - from, spec, (name) => {
    const column = (columns as Record<string, unknown>)[name] as Int32Array;
    const width = column.length / columns.capacity;
    return column.subarray(from * width, to * width);
  });
}

/** All rows, at most `rows` at a time. */
export function* columnSlices<S extends ColumnSpec>(spec: S, columns: Columns<S>, rows: number): Generator<Columns<S>> {
  for (let from = 0; from < columns.count; from += rows) {
    yield sliceColumns(spec, columns, from, Math.min(from + rows, columns.count));
  }
}
