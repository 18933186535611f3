/** A remote host and who talked to it, for people. */
import { type Column, fieldColumn, numberOf, type Row, textOf } from './columns.ts';
import type { Look } from './look.ts';

const right = { align: 'right', mayShrink: false } as const;
const left = { align: 'left', mayShrink: false } as const;
const shrinking = { align: 'left', mayShrink: true } as const;

export const HOST_FIELDS = [
  'remote_addr',
  'name',
  'is_new',
  'seen_us',
  'first_us',
  'last_us',
  'processes',
  'flows',
  'tx_packets',
  'tx_ip_bytes',
  'rx_packets',
  'rx_ip_bytes',
  'ip_bytes',
];
export const HOST_DEFAULT_COLUMNS = ['new', 'remote', 'name', 'processes', 'seen', 'flows', 'bytes'];

export function hostColumns({ time: formatTime, size: formatSize }: Look): readonly Column[] {
  const time = (field: string) => (row: Row) => (row[field] === null ? '' : formatTime(numberOf(row, field)));
  const size = (field: string) => (row: Row) => formatSize(numberOf(row, field));
  const own: Column[] = [
    { name: 'new', title: 'NEW', ...left, mayGo: true, cell: (row) => (row.is_new === 1 ? 'new' : '') },
    { name: 'remote', title: 'REMOTE', ...left, cell: (row) => textOf(row, 'remote_addr') ?? '(others)' },
    { name: 'name', title: 'NAME', ...shrinking, mayGo: true, cell: (row) => textOf(row, 'name') ?? '' },
    { name: 'processes', title: 'PROCESSES', ...shrinking, cell: processesOf },
    { name: 'seen', title: 'FIRST SEEN', ...left, mayGo: true, cell: time('seen_us') },
    { name: 'first', title: 'FIRST', ...left, cell: time('first_us') },
    { name: 'last', title: 'LAST', ...left, cell: time('last_us') },
    { name: 'flows', title: 'FLOWS', ...right, mayGo: true, cell: (row) => textOf(row, 'flows') ?? '' },
    { name: 'tx', title: 'TX', ...right, cell: size('tx_ip_bytes') },
    { name: 'rx', title: 'RX', ...right, cell: size('rx_ip_bytes') },
    { name: 'bytes', title: 'BYTES', ...right, cell: size('ip_bytes') },
  ];
  const names = own.map(({ name }) => name);
  return [...own, ...HOST_FIELDS.filter((field) => !names.includes(field)).map(fieldColumn)];
}

/** Those with the most bytes. Machine output has all. */
const MOST_PROCESSES = 4;

function processesOf(row: Row): string {
  const names = (textOf(row, 'processes') ?? '').split(', ');
  const more = names.length - MOST_PROCESSES;
  return more <= 0 ? names.join(', ') : `${names.slice(0, MOST_PROCESSES).join(', ')}, +${more}`;
}
