/** A process record for people. */
import { type Column, fieldColumn, numberOf, type Row, textOf } from './columns.ts';
import { formatSpan } from './local-time.ts';
import type { Look } from './look.ts';
import { shortContainer, userOf } from './usage-columns.ts';

const right = { align: 'right', mayShrink: false } as const;
const left = { align: 'left', mayShrink: false } as const;
const shrinking = { align: 'left', mayShrink: true } as const;

export const PROCESS_FIELDS = [
  'host',
  'pid',
  'start_ticks',
  'parent_pid',
  'parent_comm',
  'comm',
  'exe',
  'cmdline',
  'uid',
  'user',
  'unit',
  'container',
  'first_us',
  'last_us',
  'exit_us',
  'flows',
  'tx_ip_bytes',
  'rx_ip_bytes',
  'ip_bytes',
];
export const PROCESS_DEFAULT_COLUMNS = ['comm', 'pid', 'parent', 'user', 'first', 'ran', 'bytes'];

export function processColumns({ time: formatTime, size: formatSize }: Look): readonly Column[] {
  const time = (field: string) => (row: Row) => (row[field] === null ? '' : formatTime(numberOf(row, field)));
  const size = (field: string) => (row: Row) => formatSize(numberOf(row, field));
  const own: Column[] = [
    { name: 'comm', title: 'PROCESS', ...shrinking, cell: (row) => `${branchOf(row)}${textOf(row, 'comm') ?? ''}` },
    { name: 'pid', title: 'PID', ...right, cell: (row) => textOf(row, 'pid') ?? '' },
    { name: 'parent', title: 'PARENT', ...shrinking, cell: parentOf },
    { name: 'user', title: 'USER', ...shrinking, cell: userOf },
    { name: 'unit', title: 'UNIT', ...shrinking, cell: unitOf },
    { name: 'first', title: 'FIRST', ...left, cell: time('first_us') },
    { name: 'last', title: 'LAST', ...left, cell: time('last_us') },
    { name: 'exit', title: 'EXIT', ...left, cell: time('exit_us') },
    { name: 'ran', title: 'RAN', ...right, cell: ranOf },
    { name: 'flows', title: 'FLOWS', ...right, cell: (row) => textOf(row, 'flows') ?? '' },
    { name: 'tx', title: 'TX', ...right, cell: size('tx_ip_bytes') },
    { name: 'rx', title: 'RX', ...right, cell: size('rx_ip_bytes') },
    { name: 'bytes', title: 'BYTES', ...right, cell: size('ip_bytes') },
  ];
  const names = own.map(({ name }) => name);
  return [...own, ...PROCESS_FIELDS.filter((field) => !names.includes(field)).map(fieldColumn)];
}

/** In a tree: where the line hangs. */
function branchOf(row: Row): string {
  const depth = numberOf(row, 'depth');
  return depth === 0 ? '' : `${'  '.repeat(depth - 1)}\`-`;
}

function parentOf(row: Row): string {
  const comm = textOf(row, 'parent_comm');
  if (comm === null && row.parent_pid === 0) return ''; // gone before anybody asked, or the first process
  return `${comm ?? ''}[${textOf(row, 'parent_pid')}]`;
}

/** How long it was seen; `+`: it has not been seen to end. */
function ranOf(row: Row): string {
  const end = row.exit_us ?? null;
  return `${formatSpan(numberOf(row, end === null ? 'last_us' : 'exit_us') - numberOf(row, 'first_us'))}${end === null ? '+' : ''}`;
}

function unitOf(row: Row): string {
  const container = textOf(row, 'container');
  return container === null ? (textOf(row, 'unit') ?? '') : shortContainer(container);
}
