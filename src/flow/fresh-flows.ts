/** Flows that have just begun, for whoever looks for their sockets before the next drain. */
import { createColumns, pushRow } from '../core/columns.ts';
import { FRESH_COLUMNS, type FreshColumns } from '../core/flow.ts';
import { K_META, KEY_WORDS, keyNetns } from '../core/tuple.ts';
import { D_FIRST, DOUBLE_SHIFT, ENTRY_SHIFT, type FlowEntries } from './flow-entries.ts';

export class FreshFlows {
  readonly #entries: FlowEntries;
  readonly #netnsInode: (index: number) => number;
  #rows: FreshColumns | undefined;

  constructor(entries: FlowEntries, netnsInode: (index: number) => number) {
    this.#entries = entries;
    this.#netnsInode = netnsInode;
  }

  add(id: number): void {
    const { words, doubles, serial, ifindex } = this.#entries;
    const word = id << ENTRY_SHIFT;
    this.#rows ??= createColumns(FRESH_COLUMNS);
    const rows = this.#rows;
    const row = pushRow(rows);
    rows.serial[row] = serial[id]!;
    rows.key.set(words.subarray(word, word + KEY_WORDS), row * KEY_WORDS);
    rows.key[row * KEY_WORDS + K_META]! &= 0xffff;
    rows.firstBootUs[row] = doubles[(id << DOUBLE_SHIFT) + D_FIRST]!;
    rows.netns[row] = this.#netnsInode(keyNetns(words, word));
    rows.ifindex[row] = ifindex[id]!;
  }

  take(): FreshColumns | undefined {
    const rows = this.#rows;
    this.#rows = undefined;
    return rows;
  }
}
