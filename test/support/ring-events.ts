/** Events of sockets from literals, by way of the ring. */
import { createColumns } from '../../src/core/columns.ts';
import { SOCKET_EVENT_COLUMNS, SocketEvent, type SocketEventColumns } from '../../src/core/socket.ts';
import { decodeSocketEvents } from '../../src/linux/bpf-events.ts';
import { type EventLiteral, ringOf, socketEvent } from './bpf-records.ts';

/** Without a kind: Seen. */
export function makeEvents(...literals: readonly Partial<EventLiteral>[]): SocketEventColumns {
  const events = createColumns(SOCKET_EVENT_COLUMNS);
  const tuple = { local: ['192.0.2.1', 40000], remote: ['198.51.100.9', 443] } as const;
  const records = literals.map((literal) => socketEvent({ kind: SocketEvent.Seen, ...tuple, ...literal }));
  const bytes = ringOf(...records);
  decodeSocketEvents(bytes, bytes.length, events);
  return events;
}
