import type { NetnsRow } from '../core/tick.ts';
import type { Us } from '../core/time.ts';
import type { Sqlite, Statement } from './sqlite.ts';

/** Network namespaces of one boot: an inode number at first, cookie and name when somebody tells. */
export class NetnsTable {
  readonly #rows = new Map<number, number>(); // inode -> row; a host has a few hundred at most
  readonly #find: Statement<number>;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #boot: number;

  constructor(db: Sqlite, boot: number) {
    this.#find = db
      .prepare('SELECT id FROM netns WHERE boot = ? AND inode = ? ORDER BY from_us DESC')
      .pluck() as Statement<number>;
    this.#insert = db.prepare('INSERT INTO netns (boot, inode, from_us) VALUES (?, ?, ?)');
    this.#update = db.prepare('UPDATE netns SET cookie = coalesce(?, cookie), name = coalesce(?, name) WHERE id = ?');
    this.#boot = boot;
  }

  /** @returns row of the namespace, null for inode 0: not known */
  rowOrNull(inode: number, nowUs: Us): number | null {
    if (inode === 0) return null;
    const known = this.#rows.get(inode) ?? this.#find.get(this.#boot, inode);
    const row = known ?? Number(this.#insert.run(this.#boot, inode, nowUs).lastInsertRowid);
    this.#rows.set(inode, row);
    return row;
  }

  describe({ inode, cookie, name }: NetnsRow, nowUs: Us): void {
    this.#update.run(cookie, name, this.rowOrNull(inode, nowUs));
  }

  /** After a rollback: rows that the cache knows may be gone. */
  rollback(): void {
    this.#rows.clear();
  }
}
