import type { Us } from '../core/time.ts';
import type { Sqlite } from './sqlite.ts';

/** Rows that are read or deleted between two looks at the clock: some 3 ms. */
const SLICE = 1000;

/** Deletes names that were last told before `untilUs`, unless a flow that is older still may be called so, and then texts that nothing is called. */
export function* dropNames(db: Sqlite, untilUs: Us): Generator<void> {
  const { names, addresses } = yield* namesOfFlows(db, untilUs);
  const old = db.prepare('SELECT id, address FROM name WHERE id > ? AND id <= ? AND to_us < ?').raw();
  const drop = db.prepare('DELETE FROM name WHERE id = ?');
  for (const [from, to] of ranges(db, 'name')) {
    for (const [name, address] of old.all(from, to, untilUs) as [number, number][]) {
      if (!names.has(name) && !addresses.has(address)) drop.run(name);
    }
    yield;
  }
  const unused = 'NOT EXISTS (SELECT 1 FROM name WHERE name.host_name = host_name.id)';
  const dropTexts = db.prepare(`DELETE FROM host_name WHERE id > ? AND id <= ? AND ${unused}`);
  for (const range of ranges(db, 'host_name')) {
    dropTexts.run(...range);
    yield;
  }
}

/** Processes that were told a name which is kept. */
export function* processesOfNames(db: Sqlite): Generator<void, ReadonlySet<number>> {
  const slice = db.prepare('SELECT process FROM name WHERE id > ? AND id <= ? AND process IS NOT NULL').pluck();
  const processes = new Set<number>();
  for (const range of ranges(db, 'name')) {
    for (const process of slice.all(...range) as number[]) processes.add(process);
    yield;
  }
  return processes;
}

/** Row ids from 1 on in parts: above the first number, up to the second one. Rows that come meanwhile are not in them. */
export function* ranges(db: Sqlite, table: string): Generator<readonly [from: number, to: number]> {
  const last = Number(db.prepare(`SELECT coalesce(max(id), 0) FROM ${table}`).pluck().get());
  const next = db
    .prepare(`SELECT max(id) FROM (SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ${SLICE})`)
    .pluck();
  for (let from = 0; from < last; ) {
    const to = next.get(from) as number | null;
    if (to === null) return;
    yield [from, to];
    from = to;
  }
}

/** What flows that began before `untilUs` and are kept said of themselves, and whom they were with. */
function* namesOfFlows(db: Sqlite, untilUs: Us) {
  const slice = db
    .prepare(
      `SELECT first_us, id, src_address, dst_address, src_name, dst_name FROM flow
      WHERE (first_us, id) > (?, ?) AND first_us < ? ORDER BY first_us, id LIMIT ${SLICE}`,
    )
    .raw();
  const [names, addresses] = [new Set<number | null>(), new Set<number>()];
  let at: readonly number[] = [0, 0];
  for (let rows = slice.all(...at, untilUs) as number[][]; rows.length > 0; ) {
    for (const [, , src, dst, srcName, dstName] of rows) {
      addresses.add(src!).add(dst!);
      names.add(srcName!).add(dstName!);
    }
    yield;
    at = rows.at(-1)!.slice(0, 2);
    rows = slice.all(...at, untilUs) as number[][];
  }
  return { names, addresses };
}
