/** Reading forward through octets that others sent: what lies behind their end reads as 0 and is remembered. */
export class Octets {
  /** Whether something was asked for that is not there. What was read since the last look at it is then worth nothing. */
  isShort = false;
  at = 0;
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  u8(): number {
    return this.#step(1) ? this.bytes[this.at - 1]! : 0;
  }

  u16(): number {
    return this.#step(2) ? this.#view.getUint16(this.at - 2) : 0;
  }

  u24(): number {
    return (this.u8() << 16) | this.u16();
  }

  u32(): number {
    return this.#step(4) ? this.#view.getUint32(this.at - 4) : 0;
  }

  skip(octets: number): void {
    this.#step(octets);
  }

  /** A view of the next octets, empty when they are not all there. */
  take(octets: number): Uint8Array {
    return this.#step(octets) ? this.bytes.subarray(this.at - octets, this.at) : this.bytes.subarray(0, 0);
  }

  /** Variable-length integer of QUIC, RFC 9000 section 16. */
  varint(): number {
    const first = this.u8();
    let value = first & 0x3f;
    for (let more = (1 << (first >> 6)) - 1; more > 0; more--) value = value * 256 + this.u8(); // up to 2^62: no length
    return value;
  }

  #step(octets: number): boolean {
    if (octets > this.left) {
      this.isShort = true;
      this.at = this.bytes.length;
      return false;
    }
    this.at += octets;
    return true;
  }
}
