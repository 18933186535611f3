import { type Answer, NOT_ASKED } from '../../attribution/attribute.ts';
import { createColumns, pushRow } from '../../core/columns.ts';
import type { FlowColumns } from '../../core/flow.ts';
import { KEY_WORDS } from '../../core/tuple.ts';

/** Tuples and beginnings of flows: row n is that with serial n + 1. */
export const TUPLE_COLUMNS = { key: 'key', firstUs: 'f64' } as const;

/** Owners of flows, and what was written of them already. */
export interface WrittenOwners {
  answer(serial: number, side: number): Answer;
  /**
   * Whether that part of what is known of a flow has to be written: it was not yet. Then it counts as written.
   *
   * @param part a bit
   */
  tell(serial: number, part: number): boolean;
}

/** What has to be kept of the flows of a file to know whose each packet is. */
export class FlowOwners implements WrittenOwners {
  readonly tuples = createColumns(TUPLE_COLUMNS);
  #told = new Uint8Array(0); // parts, by serial
  readonly #answers = new Map<number, Answer>(); // 2 * serial + side

  addFlows(flows: FlowColumns): void {
    for (let i = 0; i < flows.count; i++) {
      const row = flows.serial[i]! - 1;
      while (this.tuples.count <= row) pushRow(this.tuples);
      for (let w = 0; w < KEY_WORDS; w++) this.tuples.key[row * KEY_WORDS + w] = flows.key[i * KEY_WORDS + w]!;
      this.tuples.firstUs[row] = flows.firstUs[i]!;
    }
  }

  addAnswer(serial: number, side: number, answer: Answer): void {
    this.#answers.set(serial * 2 + side, answer);
  }

  get count(): number {
    return this.tuples.count;
  }

  answer(serial: number, side: number): Answer {
    return this.#answers.get(serial * 2 + side) ?? NOT_ASKED;
  }

  tell(serial: number, part: number): boolean {
    if (this.#told.length <= this.count) this.#told = new Uint8Array(this.count + 1); // all flows are known by now
    const isNew = (this.#told[serial]! & part) === 0;
    this.#told[serial]! |= part;
    return isNew;
  }

  /** Flows with a process at any of their ends. */
  get named(): number {
    const serials = new Set<number>();
    for (const [end, { process }] of this.#answers) if (process !== null) serials.add(end >> 1);
    return serials.size;
  }
}
