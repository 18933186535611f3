import { createColumns } from '../../../core/columns.ts';
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

export function hasLearned(learned: Learned): boolean {
  return Object.values(learned).some((columns) => columns.count > 0);
}
