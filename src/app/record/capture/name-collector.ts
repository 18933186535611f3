import { FlowSide } from '../../../core/attribution.ts';
import { createColumns, pushRow } from '../../../core/columns.ts';
import type { DecodedBatch } from '../../../core/decoded.ts';
import { FOUND_NAME_COLUMNS, type FoundNames, NAME_SOURCES, type NameFact } from '../../../core/name.ts';
import type { PacketBatch } from '../../../core/packet.ts';
import type { FlowTable } from '../../../flow/flow-table.ts';
import { type NameLimits, NameReader } from '../../../names/name-reader.ts';

/** Collects the names in packets, each with the flow that it came in, until somebody takes them. */
export class NameCollector {
  readonly #table: FlowTable;
  readonly #reader: NameReader;
  readonly #most: number;
  #rows = createColumns(FOUND_NAME_COLUMNS);
  #texts: string[] = [];
  #dropped = 0;

  /** @param most names that are kept between two takes; what goes beyond is counted */
  constructor(table: FlowTable, most: number, limits?: NameLimits) {
    this.#table = table;
    this.#most = most;
    this.#reader = new NameReader((fact) => this.#add(fact), limits);
  }

  /** Names that were dropped, and packets that were not read, since the start. */
  get lost(): number {
    return this.#dropped + this.#reader.skipped;
  }

  get count(): number {
    return this.#rows.count;
  }

  /** Looks into packets that the table has counted. Names have the time of day of their packet. */
  look(batch: PacketBatch, decoded: DecodedBatch): void {
    this.#reader.look(batch, decoded, 0);
  }

  take(): FoundNames {
    const found = { rows: this.#rows, texts: this.#texts };
    this.#rows = createColumns(FOUND_NAME_COLUMNS);
    this.#texts = [];
    return found;
  }

  #add({ source, address, key, name, timeUs }: NameFact): void {
    if (this.#rows.count === this.#most) {
      this.#dropped++;
      return;
    }
    const serial = this.#table.flowOf(key, 0);
    const row = pushRow(this.#rows);
    this.#rows.serial[row] = Math.abs(serial);
    this.#rows.side[row] = serial < 0 ? FlowSide.Src : FlowSide.Dst;
    this.#rows.source[row] = NAME_SOURCES.indexOf(source);
    this.#rows.address.set(address, row * 4);
    this.#rows.timeUs[row] = timeUs;
    this.#texts.push(name);
  }
}
