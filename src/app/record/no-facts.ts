import { createColumns } from '../../core/columns.ts';
import { HOLDER_COLUMNS } from '../../core/process.ts';
import { CLOSED_COLUMNS, OWNER_COLUMNS, SOCKET_COLUMNS } from '../../core/socket.ts';

/** What a message without facts holds, for who passes them on part by part. */
export const NO_FACTS = {
  sockets: createColumns(SOCKET_COLUMNS, 1),
  owners: createColumns(OWNER_COLUMNS, 1),
  closed: createColumns(CLOSED_COLUMNS, 1),
  holders: createColumns(HOLDER_COLUMNS, 1),
  processes: [],
  scan: null,
  addresses: null,
  lost: null,
};
