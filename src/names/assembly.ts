/** The first octets of streams that came in several packets: bounded in number and size, whatever is sent. */
import { equalKeys, hashKey, K_PORTS, KEY_WORDS } from '../core/tuple.ts';
import type { StreamParser } from './say.ts';

const MAX_OCTETS = 8192; // of a stream; a ClientHello with keys against quantum computers has about 2,000
const MAX_PIECES = 32; // of a stream
const LIFETIME_SEC = 30;

interface Part {
  readonly from: number; // octets from the start of the stream
  readonly to: number;
}

/** What is known of one stream. */
export class Assembly {
  readonly key = new Int32Array(KEY_WORDS);
  base = 0; // what tells it from an earlier stream of the same key; of TCP, the sequence number of the first octet
  sec = 0; // when it began
  parser: StreamParser | undefined; // undefined: free
  readonly #bytes = new Uint8Array(MAX_OCTETS);
  #parts: Part[] = []; // in order, apart from each other
  #pieces = 0;

  start(key: Int32Array, at: number, base: number, sec: number, parser: StreamParser): void {
    this.key.set(key.subarray(at, at + KEY_WORDS));
    this.base = base;
    this.sec = sec;
    this.parser = parser;
    this.#parts = [];
    this.#pieces = 0;
  }

  takes(offset: number): boolean {
    return offset < MAX_OCTETS;
  }

  /** Keeps octets that stand `offset` behind the first one. */
  add(offset: number, octets: Uint8Array): void {
    this.#pieces++;
    const to = Math.min(offset + octets.length, MAX_OCTETS);
    if (offset >= to) return;
    this.#bytes.set(octets.subarray(0, to - offset), offset);
    const touches = (part: Part): boolean => part.to >= offset && part.from <= to;
    const touching = this.#parts.filter(touches);
    const apart = this.#parts.filter((part) => !touches(part));
    const joined = {
      from: Math.min(offset, ...touching.map((part) => part.from)),
      to: Math.max(to, ...touching.map((part) => part.to)),
    };
    this.#parts = [...apart, joined].sort((a, b) => a.from - b.from);
  }

  /** The octets from the first one on, as far as none is missing. */
  get known(): Uint8Array {
    const first = this.#parts[0];
    return this.#bytes.subarray(0, first?.from === 0 ? first.to : 0);
  }

  /** Whether nothing more is taken. */
  get isFull(): boolean {
    return this.#pieces >= MAX_PIECES || this.known.length === MAX_OCTETS;
  }
}

const FILTER = 4096; // counters, a power of two
const filterOf = (ports: number): number => (ports ^ (ports >>> 16)) & (FILTER - 1);

/** The streams last begun: a new one takes the place of an older one with the same hash. */
export class AssemblyTable {
  readonly #slots: (Assembly | undefined)[];
  readonly #filter = new Uint16Array(FILTER); // streams by a hash of their ports

  /** @param slots a power of two, at most 65,535 */
  constructor(slots = 128) {
    this.#slots = new Array<Assembly | undefined>(slots).fill(undefined);
  }

  /** Whether find() of a key with these ports is worth its while. */
  mayWait(ports: number): boolean {
    return this.#filter[filterOf(ports)] !== 0;
  }

  /** The stream of the key at `key[at]`, when it waits for octets. */
  find(key: Int32Array, at: number, sec: number): Assembly | undefined {
    const assembly = this.#slots[this.#slot(key, at)];
    if (assembly?.parser === undefined || !equalKeys(assembly.key, 0, key, at)) return undefined;
    return Math.abs(sec - assembly.sec) <= LIFETIME_SEC ? assembly : undefined;
  }

  /** A stream that begins; what is known of it stays when it has begun before. */
  begin(key: Int32Array, at: number, base: number, sec: number, parser: StreamParser): Assembly {
    const before = this.find(key, at, sec);
    if (before?.base === base) return before;
    const slot = this.#slot(key, at);
    const assembly = this.#slots[slot] ?? new Assembly();
    this.#slots[slot] = assembly;
    if (assembly.parser !== undefined) this.end(assembly);
    assembly.start(key, at, base, sec, parser);
    this.#filter[filterOf(key[at + K_PORTS]!)]! += 1;
    return assembly;
  }

  end(assembly: Assembly): void {
    assembly.parser = undefined;
    this.#filter[filterOf(assembly.key[K_PORTS]!)]! -= 1;
  }

  #slot(key: Int32Array, at: number): number {
    return hashKey(key, at) & (this.#slots.length - 1);
  }
}
