import { addressBytes, formatAddress } from '../core/address.ts';
import type { Us } from '../core/time.ts';
import { mixHash } from '../core/tuple.ts';
import type { Sqlite, Statement } from './sqlite.ts';

const SLOTS = 1 << 16; // power of two; 65,536 addresses in 2 MiB

/** Interns addresses: every one is a row once, with the time it was first seen at. A cache of two ways answers most look-ups without SQLite. */
export class AddressTable {
  readonly #words = new Int32Array(SLOTS * 4);
  readonly #rows = new Float64Array(SLOTS); // 0: empty slot
  readonly #firsts = new Float64Array(SLOTS); // microseconds since the epoch, as stored
  #next = 0; // way that is given up next
  readonly #find: Statement<[id: number, firstUs: Us | null]>;
  readonly #insert: Statement;
  readonly #seenEarlier: Statement;

  constructor(db: Sqlite) {
    this.#find = db.prepare('SELECT id, first_us FROM address WHERE bytes = ?').raw() as Statement<
      [id: number, firstUs: Us | null]
    >;
    this.#insert = db.prepare('INSERT INTO address (bytes, text, first_us) VALUES (?, ?, ?)');
    this.#seenEarlier = db.prepare('UPDATE address SET first_us = ? WHERE id = ?');
  }

  /** Gets every row that is handed out while it is set. */
  onUse: ((row: number) => void) | undefined;

  /**
   * @param seenUs Infinity: it was only spoken of. A file may hold older packets than what is stored
   * @returns row id of the address in the four words at `words[at]`
   */
  row(words: Int32Array, at: number, seenUs: Us): number {
    const slot = this.#slotOf(words, at, seenUs);
    const row = this.#rows[slot]!;
    if (seenUs < this.#firsts[slot]!) {
      this.#seenEarlier.run(seenUs, row);
      this.#firsts[slot] = seenUs;
    }
    this.onUse?.(row);
    return row;
  }

  /** After a rollback: rows that the cache knows may be gone. */
  rollback(): void {
    this.#rows.fill(0);
  }

  #slotOf(words: Int32Array, at: number, seenUs: Us): number {
    const one = hashOf(words, at) & (SLOTS - 1);
    const other = one ^ 1;
    if (this.#holds(one, words, at)) return one;
    if (this.#holds(other, words, at)) return other;
    const slot = this.#rows[one] === 0 || (this.#rows[other] !== 0 && (this.#next++ & 1) === 0) ? one : other;
    this.#intern(slot, words, at, seenUs);
    return slot;
  }

  #holds(slot: number, words: Int32Array, at: number): boolean {
    for (let w = 0; w < 4; w++) if (this.#words[slot * 4 + w] !== words[at + w]) return false;
    return this.#rows[slot] !== 0;
  }

  #intern(slot: number, words: Int32Array, at: number, seenUs: Us): void {
    const bytes = addressBytes(words, at);
    const found = this.#find.get(bytes);
    this.#firsts[slot] = found === undefined ? seenUs : (found[1] ?? Number.POSITIVE_INFINITY);
    this.#rows[slot] =
      found?.[0] ??
      Number(
        this.#insert.run(bytes, formatAddress(words, at), Number.isFinite(seenUs) ? seenUs : null).lastInsertRowid,
      );
    for (let w = 0; w < 4; w++) this.#words[slot * 4 + w] = words[at + w]!;
  }
}

function hashOf(words: Int32Array, at: number): number {
  let h = 0;
  for (let w = 0; w < 4; w++) h = Math.imul(h ^ words[at + w]!, 0x85ebca6b) ^ (h >>> 15);
  return mixHash(h);
}
