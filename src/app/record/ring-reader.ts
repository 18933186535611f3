import { getSystemErrorName } from 'node:util';
import { UserError } from '../../core/errors.ts';
import type { BpfRing, Native } from '../../native/binding.ts';

/** Octets that one look takes out of a ring: 2,000 events of sockets, hundreds of programs with long command lines. */
const LOOK_BYTES = 256 << 10;

/** A ring of the kernel's programs: reads what is there, never waits. Belongs to the thread that opened it. */
export class RingReader {
  readonly #native: Native;
  readonly #ring: BpfRing;
  readonly #bytes = new Uint8Array(LOOK_BYTES);

  /** @param ring descriptor and size, of openKernelPrograms() @throws UserError */
  constructor(native: Native, ring: { readonly fd: number; readonly bytes: number }) {
    this.#native = native;
    const opened = native.bpfRingOpen(ring.fd, ring.bytes);
    if (typeof opened === 'number') {
      const text = `a ring of kernel events cannot be mapped: ${getSystemErrorName(opened)}`;
      throw new UserError('no-bpf', text, 'Leave it out with --sources diag,proc.');
    }
    this.#ring = opened;
  }

  /** Passes on all whole records of this moment; the octets are valid during the call. */
  read(take: (bytes: Uint8Array, length: number) => void): void {
    for (;;) {
      const length = this.#native.bpfRingRead(this.#ring, this.#bytes);
      if (length <= 0) return;
      take(this.#bytes, length);
      if (length < LOOK_BYTES / 2) return; // what came meanwhile can wait for the next look
    }
  }

  close(): void {
    this.#native.bpfRingClose(this.#ring);
  }
}
