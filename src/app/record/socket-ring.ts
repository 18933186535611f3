import { getSystemErrorName } from 'node:util';
import { createColumns } from '../../core/columns.ts';
import { UserError } from '../../core/errors.ts';
import { SOCKET_EVENT_COLUMNS, type SocketEventColumns } from '../../core/socket.ts';
import { decodeSocketEvents } from '../../linux/bpf-events.ts';
import type { BpfRing, Native } from '../../native/binding.ts';

/** Octets that one look takes out of the ring: 2,000 events. */
const LOOK_BYTES = 256 << 10;
/** Octets of a record: its length, and the event. */
const RECORD_BYTES = 128;

/** The ring of socket events: reads what is there, never waits. Belongs to the thread that opened it. */
export class SocketRing {
  readonly #native: Native;
  readonly #ring: BpfRing;
  readonly #bytes = new Uint8Array(LOOK_BYTES);

  /** @param ring descriptor and size, of openKernelPrograms() */
  constructor(native: Native, ring: { readonly fd: number; readonly bytes: number }) {
    this.#native = native;
    const opened = native.bpfRingOpen(ring.fd, ring.bytes);
    if (typeof opened === 'number') {
      const text = `the ring of socket events cannot be mapped: ${getSystemErrorName(opened)}`;
      throw new UserError('no-bpf', text, 'Leave it out with --sources diag,proc.');
    }
    this.#ring = opened;
  }

  /** All events of this moment, in order; undefined when there are none. */
  read(): SocketEventColumns | undefined {
    let events: SocketEventColumns | undefined;
    for (;;) {
      const length = this.#native.bpfRingRead(this.#ring, this.#bytes);
      if (length <= 0) return events;
      events ??= createColumns(SOCKET_EVENT_COLUMNS, Math.max(64, Math.ceil(length / RECORD_BYTES)));
      decodeSocketEvents(this.#bytes, length, events);
      if (length < LOOK_BYTES / 2) return events; // what came meanwhile can wait for the next look
    }
  }

  close(): void {
    this.#native.bpfRingClose(this.#ring);
  }
}
