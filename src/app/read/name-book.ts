import { formatAddress } from '../../core/address.ts';
import { BY_ADDRESS, LAST_ANSWER, NAME_SOURCES, type NameRows } from '../../core/name.ts';
import type { Us } from '../../core/time.ts';

/** Rows that are kept, some 60 MB. */
const MOST = 1 << 18;

interface Row {
  readonly text: string;
  readonly source: number;
  readonly process: number;
  readonly fromUs: Us;
}

/** What an end of a flow is called, and why. */
export interface EndName {
  readonly text: string;
  readonly source: string; // of NAME_SOURCES, or BY_ADDRESS
}

/** An end of a flow that may have a name. */
interface NamedEnd {
  readonly serial: number;
  readonly side: number;
  readonly address: string;
  readonly peer: number; // process at the other end, 0: not known
  readonly firstUs: Us;
  readonly lastUs: Us;
}

/** Names of a file in memory; answers as the views of the database do. */
export class NameBook {
  readonly #rows = new Map<number, Row>(); // by id
  readonly #flows = new Map<number, number>(); // serial * 2 + side: id
  readonly #answers = new Map<string, Row[]>(); // by address, and by address and process; in order of fromUs
  lost = 0; // rows that had no room

  add({ rows, texts, flows }: NameRows): void {
    for (let i = 0; i < rows.count; i++) {
      const id = rows.id[i]!;
      if (this.#rows.has(id)) continue;
      if (this.#rows.size === MOST) {
        this.lost += rows.count - i;
        break;
      }
      const [source, process] = [rows.source[i]!, rows.process[i]!];
      const row = { text: texts[i]!, source, process, fromUs: rows.fromUs[i]! };
      this.#rows.set(id, row);
      if (source > LAST_ANSWER) continue;
      const address = formatAddress(rows.address, i * 4);
      this.#insert(address, row);
      if (process !== 0) this.#insert(`${address} ${process}`, row);
    }
    for (let i = 0; i < flows.count; i++) {
      const end = flows.serial[i]! * 2 + flows.side[i]!;
      if (!this.#flows.has(end)) this.#flows.set(end, flows.name[i]!); // the first one stays
    }
  }

  /** What the flow itself said, else what the other end's process was told before, else the newest answer of all. */
  of({ serial, side, address, peer, firstUs, lastUs }: NamedEnd): EndName | undefined {
    const own = this.#rows.get(this.#flows.get(serial * 2 + side) ?? 0);
    const heard = own ?? (peer === 0 ? undefined : this.#latest(`${address} ${peer}`, firstUs));
    if (heard !== undefined) return { text: heard.text, source: NAME_SOURCES[heard.source]! };
    const told = this.#latest(address, lastUs);
    return told && { text: told.text, source: BY_ADDRESS };
  }

  #insert(key: string, row: Row): void {
    const rows = this.#answers.get(key) ?? [];
    rows.splice(placeOf(rows, row.fromUs), 0, row);
    this.#answers.set(key, rows);
  }

  #latest(key: string, untilUs: Us): Row | undefined {
    const rows = this.#answers.get(key);
    return rows?.[placeOf(rows, untilUs) - 1];
  }
}

/** @returns how many of the rows began at `us` or before */
function placeOf(rows: readonly Row[], us: Us): number {
  let [from, to] = [0, rows.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (rows[middle]!.fromUs <= us) from = middle + 1;
    else to = middle;
  }
  return from;
}
