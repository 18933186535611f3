/** Changes of octets that have found faults in parsers of binary formats elsewhere. */

/** xorshift32: the same seed gives the same run everywhere. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** From 0 to `limit`, which is not included. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % Math.max(1, limit);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const EDGES: readonly number[] = [
  ...[0, 1, 2, 3, 4, 7, 8, 11, 12, 15, 16, 20, 28, 31, 32, 64, 127, 128, 255, 256, 1500, 0x7fff, 0x8000, 0xffff],
  ...[0x10000, 262_144, 262_145, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff],
];

type Mutation = (file: Uint8Array, random: Random, seeds: readonly Uint8Array[]) => Uint8Array;

const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** A length of at most 64 octets, or seldom any. */
const some = (random: Random, most: number): number =>
  random.below(random.below(8) === 0 ? most : Math.min(most, 64)) + 1;

const MUTATIONS: readonly Mutation[] = [
  (file, random) => {
    file[random.below(file.length)]! ^= 1 << random.below(8);
    return file;
  },
  (file, random) => {
    file[random.below(file.length)] = random.below(256);
    return file;
  },
  (file, random) => {
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const width = random.of([2, 4]);
    if (file.length < width) return file;
    const at = random.below(file.length - width + 1);
    const aligned = random.below(4) === 0 ? at : at - (at % width);
    const value = random.of(EDGES);
    if (width === 2) view.setUint16(aligned, value & 0xffff, random.below(2) === 0);
    else view.setUint32(aligned, value, random.below(2) === 0);
    return file;
  },
  (file, random) => file.slice(0, random.below(file.length) + 1),
  (file, random) => {
    const at = random.below(file.length);
    return joined(file.subarray(0, at), file.subarray(at + some(random, file.length)));
  },
  (file, random) => {
    const [at, from] = [random.below(file.length), random.below(file.length)];
    return joined(file.subarray(0, at), file.subarray(from, from + some(random, file.length)), file.subarray(at));
  },
  (file, random, seeds) => {
    const other = random.of(seeds);
    const [at, from] = [random.below(file.length), random.below(other.length)];
    return joined(file.subarray(0, at), other.subarray(from, from + some(random, other.length)), file.subarray(at));
  },
  (file, random, seeds) => joined(file, random.of(seeds)),
];

/** @returns a file that is up to eight changes away from one of `seeds` */
export function mutate(seeds: readonly Uint8Array[], random: Random): Uint8Array {
  let file: Uint8Array = random.of(seeds).slice();
  for (let n = random.below(8); n >= 0 && file.length > 0; n--) file = random.of(MUTATIONS)(file, random, seeds);
  return file;
}
