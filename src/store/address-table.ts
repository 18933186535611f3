import { addressBytes, formatAddress } from '../core/address.ts';
import { mixHash } from '../core/tuple.ts';
import type { Sqlite, Statement } from './sqlite.ts';

const SLOTS = 1 << 14; // power of two; 16,384 addresses in 384 KiB

/** Interns addresses: every one is a row once. A direct-mapped cache answers most look-ups without SQLite. */
export class AddressTable {
  readonly #words = new Int32Array(SLOTS * 4);
  readonly #rows = new Float64Array(SLOTS); // 0: empty slot
  readonly #find: Statement<number>;
  readonly #insert: Statement;

  constructor(db: Sqlite) {
    this.#find = db.prepare('SELECT id FROM address WHERE bytes = ?').pluck() as Statement<number>;
    this.#insert = db.prepare('INSERT INTO address (bytes, text) VALUES (?, ?)');
  }

  /** Gets every row that is handed out while it is set. */
  onUse: ((row: number) => void) | undefined;

  /** @returns row id of the address in the four words at `words[at]` */
  row(words: Int32Array, at: number): number {
    const slot = slotOf(words, at);
    const isKnown = this.#rows[slot] !== 0 && this.#holds(slot, words, at);
    const row = isKnown ? this.#rows[slot]! : this.#intern(words, at);
    this.onUse?.(row);
    if (isKnown) return row;
    for (let w = 0; w < 4; w++) this.#words[slot * 4 + w] = words[at + w]!;
    this.#rows[slot] = row;
    return row;
  }

  /** After a rollback: rows that the cache knows may be gone. */
  rollback(): void {
    this.#rows.fill(0);
  }

  #holds(slot: number, words: Int32Array, at: number): boolean {
    for (let w = 0; w < 4; w++) if (this.#words[slot * 4 + w] !== words[at + w]) return false;
    return true;
  }

  #intern(words: Int32Array, at: number): number {
    const bytes = addressBytes(words, at);
    return this.#find.get(bytes) ?? Number(this.#insert.run(bytes, formatAddress(words, at)).lastInsertRowid);
  }
}

function slotOf(words: Int32Array, at: number): number {
  let h = 0;
  for (let w = 0; w < 4; w++) h = Math.imul(h ^ words[at + w]!, 0x85ebca6b) ^ (h >>> 15);
  return mixHash(h) & (SLOTS - 1);
}
