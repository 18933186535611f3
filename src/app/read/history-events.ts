/** What a recorder stored of sockets, as events in the order of their times: they end flows where another socket begins. */
import { createColumns, pushRow } from '../../core/columns.ts';
import {
  OwnerEvidence,
  SOCKET_EVENT_COLUMNS,
  SocketEvent,
  type SocketEventColumns,
  SocketFlag,
} from '../../core/socket.ts';
import type { Us } from '../../core/time.ts';
import { KEY_WORDS, keyFirstPort, keySecondPort } from '../../core/tuple.ts';

/** From when on a process has used a socket. */
export interface Turn {
  readonly atUs: Us;
  readonly edge: number; // as in OWNER_COLUMNS
  readonly sequence: number;
}

interface Waiting extends Turn {
  readonly kind: number; // SocketEvent
  readonly key: Int32Array; // local, remote
  readonly cookie: number;
}

/** A heap by time: rows come in the order in which sockets began, their other events lie anywhere after that. */
export class HistoryEvents {
  readonly #heap: Waiting[] = [];

  /** @param key of a socket with both ends. @param turns of the processes after the first one @param closedUs if it was told */
  add(key: Int32Array, cookie: number, fromUs: Us, turns: readonly Turn[], closedUs: Us | undefined): void {
    const plain = { key, cookie, edge: 0, sequence: 0 };
    this.#push({ ...plain, kind: SocketEvent.Seen, atUs: fromUs });
    for (const turn of turns) this.#push({ ...plain, ...turn, kind: SocketEvent.Owner });
    if (closedUs !== undefined) this.#push({ ...plain, kind: SocketEvent.Closed, atUs: closedUs });
  }

  /** All until then, undefined when there are none. */
  take(untilUs: Us): SocketEventColumns | undefined {
    const heap = this.#heap;
    if (heap.length === 0 || heap[0]!.atUs > untilUs) return undefined;
    const events = createColumns(SOCKET_EVENT_COLUMNS);
    while (heap.length > 0 && heap[0]!.atUs <= untilUs) {
      const { kind, key, cookie, atUs, edge, sequence } = this.#pop();
      const row = pushRow(events);
      events.kind[row] = kind;
      events.key.set(key, row * KEY_WORDS);
      events.cookie[row] = cookie;
      events.atUs[row] = atUs;
      // Which way its first packet went is not stored: who serves has the smaller port, as a rule.
      if (keyFirstPort(key, 0) >= keySecondPort(key, 0)) events.flags[row] = SocketFlag.Outgoing;
      if (kind !== SocketEvent.Owner) continue;
      events.previous[row] = OwnerEvidence.Transfer;
      events.flags[row] = edge;
      events.sequence[row] = sequence;
    }
    return events;
  }

  #push(one: Waiting): void {
    const heap = this.#heap;
    let at = heap.push(one) - 1;
    for (let up = (at - 1) >> 1; at > 0 && heap[up]!.atUs > one.atUs; up = (at - 1) >> 1) {
      heap[at] = heap[up]!;
      at = up;
    }
    heap[at] = one;
  }

  #pop(): Waiting {
    const heap = this.#heap;
    const [first] = heap as [Waiting];
    const last = heap.pop()!;
    let at = 0;
    for (let down = 1; down < heap.length; down = 2 * at + 1) {
      if (down + 1 < heap.length && heap[down + 1]!.atUs < heap[down]!.atUs) down++;
      if (heap[down]!.atUs >= last.atUs) break;
      heap[at] = heap[down]!;
      at = down;
    }
    if (heap.length > 0) heap[at] = last;
    return first;
  }
}
