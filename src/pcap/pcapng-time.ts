import type { PacketBatch } from '../core/packet.ts';

const LAST_SECOND = 2 ** 32 - 1;
/** Up to this many units a second, a rest times 1e9 is exact in a double. */
const EXACT_BINARY = 2 ** 22;

/**
 * Times of one interface: 64-bit counts of a unit since the epoch, and an offset in seconds. Lossless down to the
 * nanosecond, without a bigint for packets that share the upper word, which changes every 4.3 s of nanoseconds.
 */
export class PcapngClock {
  readonly #unitsPerSecond: bigint;
  readonly #units: number; // the same, for what is small enough
  readonly #isFast: boolean;
  readonly #offsetSec: number;
  #high = -1; // upper word that the next two are of
  #sec = 0;
  #rest = 0; // units

  /**
   * @param resolution if_tsresol: a negative power of 10, or of 2 when the highest bit is set
   * @param offsetSec if_tsoffset
   */
  constructor(resolution: number, offsetSec: number) {
    const power = resolution & 0x7f;
    const isBinary = (resolution & 0x80) !== 0;
    this.#unitsPerSecond = (isBinary ? 2n : 10n) ** BigInt(power);
    this.#units = Number(this.#unitsPerSecond);
    this.#isFast = isBinary ? this.#units <= EXACT_BINARY : power <= 9;
    this.#offsetSec = offsetSec;
  }

  /** Sets the time of row `i`. Times outside 1970 to 2106 become the nearest of those. */
  put(batch: PacketBatch, i: number, high: number, low: number): void {
    if (!this.#isFast) {
      this.#putSlowly(batch, i, high, low);
      return;
    }
    if (high !== this.#high) this.#turn(high);
    const units = this.#rest + low;
    const seconds = Math.floor(units / this.#units);
    const rest = units - seconds * this.#units;
    setTime(batch, i, this.#sec + seconds, Math.floor((rest * 1e9) / this.#units));
  }

  #turn(high: number): void {
    const units = BigInt(high) << 32n;
    this.#high = high;
    this.#sec = Number(units / this.#unitsPerSecond) + this.#offsetSec;
    this.#rest = Number(units % this.#unitsPerSecond);
  }

  #putSlowly(batch: PacketBatch, i: number, high: number, low: number): void {
    const units = (BigInt(high) << 32n) + BigInt(low);
    const rest = units % this.#unitsPerSecond;
    const nanoseconds = (rest * 1_000_000_000n) / this.#unitsPerSecond;
    setTime(batch, i, Number(units / this.#unitsPerSecond) + this.#offsetSec, Number(nanoseconds));
  }
}

function setTime(batch: PacketBatch, i: number, sec: number, nsec: number): void {
  const isInRange = sec >= 0 && sec <= LAST_SECOND;
  batch.sec[i] = isInRange ? sec : sec < 0 ? 0 : LAST_SECOND;
  batch.nsec[i] = isInRange ? nsec : 0;
}
