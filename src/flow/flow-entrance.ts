/** How tuples enter the table: as a flow, or as an alias of a flow that the same packets belong to. */
import type { DecodedBatch } from '../core/decoded.ts';
import type { PacketBatch } from '../core/packet.ts';
import type { Us } from '../core/time.ts';
import { K_META, KEY_WORDS, keyNetns, Protocol, reverseKey } from '../core/tuple.ts';
import type { Aliases } from './aliases.ts';
import type { Deadlines } from './deadlines.ts';
import { E_EPOCH, E_SIGHTINGS, E_STATE, ENTRY_SHIFT, type FlowEntries, NONE, UNTOUCHED } from './flow-entries.ts';
import { type FlowIndex, findKey } from './flow-index.ts';
import { hashKey } from './flow-key.ts';
import { S_ALIAS, S_OPEN, S_TCP } from './flow-state.ts';
import { NatTable } from './nat-table.ts';
import { isBoundToPlace, SameFlow } from './same-flow.ts';
import { isSynAck } from './tcp-end.ts';

export interface EntranceContext {
  /** An entry that is free, or was made free. */
  readonly takeEntry: () => number;
  /** Gives the flow in entry `id` a serial; packet `i` is its first. */
  readonly begin: (id: number, batch: PacketBatch, decoded: DecodedBatch, i: number) => void;
  /** Entry `id` is in the table; the entry `flow` counts its packets. */
  readonly entered: (id: number, flow: number) => void;
  /** The flow `id` has the tuple `key` behind address translation, in the direction of its own key. */
  readonly translated: (id: number, key: Int32Array) => void;
}

export class FlowEntrance {
  readonly nat: NatTable;
  readonly #entries: FlowEntries;
  readonly #index: FlowIndex;
  readonly #aliases: Aliases;
  readonly #deadlines: Deadlines;
  readonly #same: SameFlow;
  readonly #seed: number;
  readonly #context: EntranceContext;
  readonly #key = new Int32Array(KEY_WORDS);
  readonly #original = new Int32Array(KEY_WORDS);
  readonly #translated = new Int32Array(KEY_WORDS);
  readonly #turned = new Int32Array(KEY_WORDS);

  constructor(
    entries: FlowEntries,
    index: FlowIndex,
    aliases: Aliases,
    deadlines: Deadlines,
    seed: number,
    context: EntranceContext,
  ) {
    this.#entries = entries;
    this.#index = index;
    this.#aliases = aliases;
    this.#deadlines = deadlines;
    this.#same = new SameFlow(entries, index, aliases, deadlines);
    this.nat = new NatTable(seed);
    this.#seed = seed;
    this.#context = context;
  }

  /** @returns the way of the tuple at `key[0]`, NONE when it is not in the table */
  find(hash: number, key: Int32Array): number {
    const { pairs, mask } = this.#index;
    return findKey(pairs, mask, this.#entries.words, ENTRY_SHIFT, hash, key, 0);
  }

  /**
   * Enters the tuple of packet `i`, which is not in the table.
   *
   * @param bootUs time of the packet
   * @returns the packet's way
   */
  enter(hash: number, bootUs: Us, batch: PacketBatch, decoded: DecodedBatch, i: number): number {
    const key = this.#key;
    for (let w = 0; w < KEY_WORDS; w++) key[w] = decoded.key[i * KEY_WORDS + w]!;
    const original = this.#original;
    if (!this.#originalOf(key, original)) return this.#enterAsIs(key, hash, bootUs, batch, decoded, i);
    const originalHash = hashKey(original, 0, this.#seed);
    if (this.find(originalHash, original) === NONE) this.#enterAsIs(original, originalHash, bootUs, batch, decoded, i);
    const id = this.#context.takeEntry();
    const way = this.find(originalHash, original); // not before: takeEntry() may have taken it
    if (way === NONE) return this.#enterFlow(id, key, hash, batch, decoded, i);
    return this.#enterAlias(id, key, hash, (this.#aliases.flowOf(way >> 1) << 1) | (way & 1));
  }

  /** A tuple that the recorder's own namespace has translated goes on as it is through those behind it. */
  #originalOf(key: Int32Array, out: Int32Array): boolean {
    if (this.nat.originalOf(key, out)) return true;
    if (keyNetns(key) === 0 || isBoundToPlace(key)) return false;
    this.#turned.set(key);
    this.#turned[K_META] = key[K_META]! & 0xffff;
    return this.nat.originalOf(this.#turned, out);
  }

  /**
   * From now on packets of the tuple `translated` are those of the tuple `original`.
   *
   * @returns the flow that has counted such packets as its own, or NONE
   */
  translate(original: Int32Array, translated: Int32Array): number {
    this.nat.set(original, translated);
    const way = this.find(hashKey(original, 0, this.#seed), original);
    if (way !== NONE) this.#tellTranslation(way, original);
    const early = this.find(hashKey(translated, 0, this.#seed), translated);
    return early === NONE || this.#aliases.isAlias(early >> 1) ? NONE : early >> 1;
  }

  #enterAsIs(key: Int32Array, hash: number, bootUs: Us, batch: PacketBatch, decoded: DecodedBatch, i: number): number {
    const id = this.#context.takeEntry();
    const elsewhere = this.#same.find(key, hash, bootUs, batch, decoded, i);
    const way =
      elsewhere === NONE
        ? this.#enterFlow(id, key, hash, batch, decoded, i)
        : this.#enterAlias(id, key, hash, elsewhere);
    this.#tellTranslation(way, key);
    return way;
  }

  #enterFlow(id: number, key: Int32Array, hash: number, batch: PacketBatch, decoded: DecodedBatch, i: number): number {
    const { words, link } = this.#entries;
    const direction = isSynAck(decoded.tcpFlags[i]!) ? 1 : 0; // who answers is not who began
    this.#place(id, key, hash, direction);
    words[(id << ENTRY_SHIFT) + E_STATE] = (key[K_META]! & 0xff) === Protocol.Tcp ? S_TCP : S_OPEN;
    link[id] = NONE;
    this.#deadlines.append(id);
    this.#context.begin(id, batch, decoded, i);
    this.#context.entered(id, id);
    return (id << 1) | direction;
  }

  /** @param way of the packet in the flow whose alias entry `id` becomes */
  #enterAlias(id: number, key: Int32Array, hash: number, way: number): number {
    this.#place(id, key, hash, way & 1);
    this.#entries.words[(id << ENTRY_SHIFT) + E_STATE] = S_ALIAS;
    this.#aliases.attach(id, way >> 1);
    this.#context.entered(id, way >> 1);
    return (id << 1) | (way & 1);
  }

  /** @param direction 1: the key is written with its ends exchanged */
  #place(id: number, key: Int32Array, hash: number, direction: number): void {
    const { words, changedAt, hash: hashes } = this.#entries;
    const word = id << ENTRY_SHIFT;
    if (direction === 1) reverseKey(key, 0, words, word);
    else for (let w = 0; w < KEY_WORDS; w++) words[word + w] = key[w]!;
    words[word + E_SIGHTINGS] = 0;
    words[word + E_EPOCH] = UNTOUCHED; // of an alias for ever: attend() leads its packets to the flow
    hashes[id] = hash;
    changedAt[id] = NONE;
    this.#index.insert(hash, id);
  }

  /** @param way of the tuple at `key[0]`, which may be translated */
  #tellTranslation(way: number, key: Int32Array): void {
    const translated = this.#translated;
    if (!this.nat.translationOf(key, translated)) return;
    if ((way & 1) === 1) reverseKey(translated, 0, this.#turned, 0);
    else this.#turned.set(translated);
    this.#context.translated(this.#aliases.flowOf(way >> 1), this.#turned.slice());
  }
}
