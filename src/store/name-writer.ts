import { FlowSide } from '../core/attribution.ts';
import type { NameRows } from '../core/name.ts';
import type { AddressTable } from './address-table.ts';
import { IdMap } from './id-map.ts';
import type { Sqlite, Statement } from './sqlite.ts';

const INSERT = `INSERT INTO name (id, address, host_name, source, process, from_us, to_us) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET to_us = max(to_us, excluded.to_us)`;

/** The first name that a flow said stays. */
const updateFlow = (side: 'src' | 'dst') => `UPDATE flow SET ${side}_name = coalesce(${side}_name, ?) WHERE id = ?`;

/** Writes what addresses and flows were called. */
export class NameWriter {
  readonly #names: IdMap;
  readonly #processes: IdMap;
  readonly #addresses: AddressTable;
  readonly #flowBase: number;
  readonly #insert: Statement;
  readonly #updateSrc: Statement;
  readonly #updateDst: Statement;
  readonly #findText: Statement<number>;
  readonly #insertText: Statement;

  constructor(db: Sqlite, addresses: AddressTable, processes: IdMap, flowBase: number) {
    this.#names = new IdMap(Number(db.prepare('SELECT coalesce(max(id), 0) FROM name').pluck().get()));
    this.#processes = processes;
    this.#addresses = addresses;
    this.#flowBase = flowBase;
    this.#insert = db.prepare(INSERT);
    this.#updateSrc = db.prepare(updateFlow('src'));
    this.#updateDst = db.prepare(updateFlow('dst'));
    this.#findText = db.prepare('SELECT id FROM host_name WHERE text = ?').pluck() as Statement<number>;
    this.#insertText = db.prepare('INSERT INTO host_name (text, backwards) VALUES (?, ?)');
  }

  /** After the processes and flows of the same tick. */
  write({ rows, texts, flows }: NameRows): void {
    for (let i = 0; i < rows.count; i++) {
      this.#insert.run(
        this.#names.row(rows.id[i]!),
        this.#addresses.row(rows.address, i * 4, Number.POSITIVE_INFINITY),
        this.#textRow(texts[i]!),
        rows.source[i]!,
        this.#processes.rowOrNull(rows.process[i]!),
        rows.fromUs[i]!,
        rows.toUs[i]!,
      );
    }
    for (let i = 0; i < flows.count; i++) {
      const update = flows.side[i] === FlowSide.Src ? this.#updateSrc : this.#updateDst;
      update.run(this.#names.row(flows.name[i]!), this.#flowBase + flows.serial[i]!);
    }
  }

  #textRow(text: string): number {
    return this.#findText.get(text) ?? Number(this.#insertText.run(text, backwards(text)).lastInsertRowid);
  }
}

/** The characters from the last to the first: what ends alike begins alike. */
export function backwards(text: string): string {
  return [...text].reverse().join('');
}
