import type { Columns } from '../../core/columns.ts';
import type { Us } from '../../core/time.ts';
import { KEY_WORDS } from '../../core/tuple.ts';
import { FlowIndex, findKey } from '../../flow/flow-index.ts';
import { compareKeys, hashKey } from '../../flow/flow-key.ts';
import type { TUPLE_COLUMNS } from './flow-owners.ts';

const SHIFT = 4; // 16 words a tuple
const NONE = -1;

/** The flow of a packet, when all flows of its file are known: by tuple, and of several with one tuple by time. */
export class FlowFinder {
  readonly #index = new FlowIndex();
  readonly #seed: number;
  readonly #words: Int32Array; // key of each flow
  readonly #firstUs: Float64Array;
  readonly #next: Int32Array; // flow of the same tuple that begins after it
  readonly #current: Int32Array; // of each first flow: the one found last, for packets are nearly in order

  /** @param flows row n is the flow with serial n + 1, in order of their first packets */
  constructor(flows: Columns<typeof TUPLE_COLUMNS>) {
    const { count } = flows;
    this.#seed = Math.trunc(Math.random() * 2 ** 32);
    this.#words = new Int32Array(Math.max(1, count) << SHIFT);
    this.#firstUs = flows.firstUs.slice(0, count);
    this.#next = new Int32Array(count).fill(NONE);
    this.#current = new Int32Array(count);
    const last = new Int32Array(count); // of each first flow, while the lists are built
    for (let flow = 0; flow < count; flow++) {
      const at = flow * KEY_WORDS;
      const hash = hashKey(flows.key, at, this.#seed);
      const way = findKey(this.#index.pairs, this.#index.mask, this.#words, SHIFT, hash, flows.key, at);
      this.#words.set(flows.key.subarray(at, at + KEY_WORDS), flow << SHIFT);
      if (way >= 0) {
        this.#next[last[way >> 1]!] = flow;
        last[way >> 1] = flow;
      } else {
        this.#current[flow] = last[flow] = flow;
        this.#index.insert(hash, flow);
      }
    }
  }

  /** @returns serial << 1 | 1 for a packet of the reply direction; -1: of no flow */
  find(key: Int32Array, at: number, timeUs: Us): number {
    const hash = hashKey(key, at, this.#seed);
    const way = findKey(this.#index.pairs, this.#index.mask, this.#words, SHIFT, hash, key, at);
    if (way < 0) return NONE;
    const first = way >> 1;
    const flow = this.#next[first] === NONE ? first : this.#at(first, timeUs);
    // A later flow of the tuple may have begun at the other end.
    return ((flow + 1) << 1) | ((way & 1) ^ compareKeys(this.#words, first << SHIFT, this.#words, flow << SHIFT));
  }

  /** The last flow of the tuple that had begun by then, else its first one. */
  #at(first: number, timeUs: Us): number {
    let flow = this.#current[first]!;
    if (this.#firstUs[flow]! > timeUs) flow = first;
    for (let next = this.#next[flow]!; next !== NONE && this.#firstUs[next]! <= timeUs; next = this.#next[flow]!)
      flow = next;
    this.#current[first] = flow;
    return flow;
  }
}
