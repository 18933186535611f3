import { createColumns, createNext } from '../../../core/columns.ts';
import { HOLDER_COLUMNS } from '../../../core/process.ts';
import { CLOSED_COLUMNS, OWNER_COLUMNS, SOCKET_COLUMNS } from '../../../core/socket.ts';

/** Rows for the next message to main: whoever learns something appends it. The buffers are transferred with it. */
export type Learned = ReturnType<typeof createLearned>;

export function createLearned() {
  return {
    sockets: createColumns(SOCKET_COLUMNS),
    holders: createColumns(HOLDER_COLUMNS),
    owners: createColumns(OWNER_COLUMNS),
    closed: createColumns(CLOSED_COLUMNS),
  };
}

/** For the message after `last`, which is not sent yet. */
export function nextLearned({ sockets, holders, owners, closed }: Learned): Learned {
  return {
    sockets: createNext(SOCKET_COLUMNS, sockets),
    holders: createNext(HOLDER_COLUMNS, holders),
    owners: createNext(OWNER_COLUMNS, owners),
    closed: createNext(CLOSED_COLUMNS, closed),
  };
}

export function hasLearned(learned: Learned): boolean {
  return Object.values(learned).some((columns) => columns.count > 0);
}
