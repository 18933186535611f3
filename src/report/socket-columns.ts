/** A socket record for people, in the manner of ss(8). */
import { isLinkLocal, parseAddress } from '../core/address.ts';
import { SOCKET_FIELDS } from '../core/socket-record.ts';
import { type Column, fieldColumn, formatEnd, numberOf, type Row, textOf } from './columns.ts';

const left = { align: 'left', mayShrink: false } as const;
const right = { align: 'right', mayShrink: false } as const;
const shrinking = { align: 'left', mayShrink: true } as const;

export const SOCKET_DEFAULT_COLUMNS = ['proto', 'state', 'local', 'remote', 'user', 'process'];

/** Columns of `sockets`, then every field of the record that is none of them. */
export function socketColumns(): readonly Column[] {
  const own: Column[] = [
    { name: 'proto', title: 'PROTO', ...left, cell: (row) => textOf(row, 'protocol') ?? '' },
    { name: 'state', title: 'STATE', ...left, cell: (row) => textOf(row, 'state') ?? '' },
    { name: 'recv_q', title: 'RECV-Q', ...right, cell: (row) => textOf(row, 'receive_queue') ?? '' },
    { name: 'send_q', title: 'SEND-Q', ...right, cell: (row) => textOf(row, 'send_queue') ?? '' },
    { name: 'local', title: 'LOCAL', ...shrinking, cell: formatLocalEnd },
    { name: 'remote', title: 'REMOTE', ...shrinking, cell: formatRemoteEnd },
    { name: 'user', title: 'USER', ...shrinking, cell: (row) => textOf(row, 'user') ?? textOf(row, 'uid') ?? '' },
    { name: 'process', title: 'PROCESS', ...shrinking, cell: formatHolders },
    { name: 'processes', title: 'PROCESSES', ...left, cell: (row) => textOf(row, 'holder_list') ?? '' },
  ];
  const names = own.map(({ name }) => name);
  return [...own, ...SOCKET_FIELDS.filter((field) => !names.includes(field)).map(fieldColumn)];
}

/** `0.0.0.0:22`, `0.0.0.0%eth0:68`, `[fe80::1%eth0]:443`; of others what they are bound to. */
function formatLocalEnd(row: Row): string {
  const device = textOf(row, 'interface');
  const path = textOf(row, 'path');
  if (row.family === 'unix') return path ?? `* ${textOf(row, 'inode') ?? ''}`.trimEnd();
  if (row.family === 'packet') return `${textOf(row, 'subprotocol') ?? '*'}%${device ?? '*'}`;
  if (row.family === 'netlink') return `${textOf(row, 'subprotocol') ?? '*'}:${textOf(row, 'port_id') ?? '*'}`;
  const address = textOf(row, 'local_addr');
  const scoped = device === null || address === null ? address : `${address}%${device}`;
  return formatEnd(scoped, textOf(row, 'local_port') ?? textOf(row, 'subprotocol') ?? '*');
}

/** `*` where there is no other end. A link-local address says on which interface. */
function formatRemoteEnd(row: Row): string {
  if (row.family === 'unix') return row.peer_inode === null ? '*' : `* ${textOf(row, 'peer_inode')}`;
  const address = textOf(row, 'remote_addr');
  if (address === null) return '*';
  const device = textOf(row, 'interface');
  const words = parseAddress(address);
  const isScoped = device !== null && words !== undefined && isLinkLocal(words);
  return formatEnd(isScoped ? `${address}%${device}` : address, textOf(row, 'remote_port') ?? '*');
}

/** `nginx[12]`, `nginx[12] +3` when others hold it too, else `(reason)` where one is known. */
function formatHolders(row: Row): string {
  const reason = textOf(row, 'reason');
  if (row.pid === null) return reason === null || reason === 'closed-before-scan' ? '' : `(${reason})`;
  const others = numberOf(row, 'holders') - 1;
  return `${textOf(row, 'comm') ?? '?'}[${textOf(row, 'pid')}]${others > 0 ? ` +${others}` : ''}`;
}
