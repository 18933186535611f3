/**
 * Tuples whose packets belong to the flow of another entry: the same tuple in another namespace, and what address
 * translation makes of it. An alias has a key and a place in the index, and nothing counted; it leaves with its flow.
 */
import type { Us } from '../core/time.ts';
import { K_META, KEY_WORDS } from '../core/tuple.ts';
import { D_FIRST, DOUBLE_SHIFT, E_STATE, ENTRY_SHIFT, type FlowEntries, NONE } from './flow-entries.ts';
import { S_ALIAS, S_FOLLOWS } from './flow-state.ts';

const PASSING_US = 200; // between two sightings of a packet

export class Aliases {
  readonly #entries: FlowEntries;

  constructor(entries: FlowEntries) {
    this.#entries = entries;
  }

  isAlias(id: number): boolean {
    return (this.#entries.words[(id << ENTRY_SHIFT) + E_STATE]! & S_ALIAS) !== 0;
  }

  /** The entry whose flow takes the packets of entry `id`. */
  flowOf(id: number): number {
    return this.isAlias(id) ? this.#entries.link[id]! : id;
  }

  /** First alias of a flow; the others follow by FlowEntries.next. */
  firstOf(flow: number): number {
    return this.#entries.link[flow]!;
  }

  /** Whether a packet that entry `id` leads to a flow is older than that: it was counted in the one before on its tuple. */
  isFormer(id: number, flow: number, bootUs: Us): boolean {
    const { words, doubles } = this.#entries;
    if (id === flow || (words[(flow << ENTRY_SHIFT) + E_STATE]! & S_FOLLOWS) === 0) return false;
    return bootUs < doubles[(flow << DOUBLE_SHIFT) + D_FIRST]! - PASSING_US;
  }

  attach(alias: number, flow: number): void {
    const { link, prev, next } = this.#entries;
    const head = link[flow]!;
    prev[alias] = NONE;
    next[alias] = head;
    if (head !== NONE) prev[head] = alias;
    link[flow] = alias;
    link[alias] = flow;
  }

  detach(alias: number): void {
    const { link, prev, next } = this.#entries;
    const before = prev[alias]!;
    const after = next[alias]!;
    if (before === NONE) link[link[alias]!] = after;
    else next[before] = after;
    if (after !== NONE) prev[after] = before;
  }

  /** Whether an alias is there because its tuple was seen in another namespace than that of its flow. */
  isElsewhere(alias: number, flow: number): boolean {
    const { words } = this.#entries;
    const [a, b] = [alias << ENTRY_SHIFT, flow << ENTRY_SHIFT];
    for (let w = K_META + 1; w < KEY_WORDS; w++) if (words[a + w] !== words[b + w]) return false;
    return alias !== flow;
  }
}
