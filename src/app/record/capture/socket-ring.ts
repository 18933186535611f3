import { createColumns } from '../../../core/columns.ts';
import { SOCKET_EVENT_COLUMNS, type SocketEventColumns } from '../../../core/socket.ts';
import { decodeSocketEvents } from '../../../linux/bpf-events.ts';
import type { Native } from '../../../native/binding.ts';
import { RingReader } from '../ring-reader.ts';

/** Octets of a record: its length, and the event. */
const RECORD_BYTES = 120;

/** The ring of socket events, as columns. */
export class SocketRing {
  readonly #reader: RingReader;

  /** @param ring descriptor and size, of openKernelPrograms() */
  constructor(native: Native, ring: { readonly fd: number; readonly bytes: number }) {
    this.#reader = new RingReader(native, ring);
  }

  /** All events of this moment, in order; undefined when there are none. */
  read(): SocketEventColumns | undefined {
    let events: SocketEventColumns | undefined;
    this.#reader.read((bytes, length) => {
      events ??= createColumns(SOCKET_EVENT_COLUMNS, Math.max(64, Math.ceil(length / RECORD_BYTES)));
      decodeSocketEvents(bytes, length, events);
    });
    return events;
  }

  close(): void {
    this.#reader.close();
  }
}
