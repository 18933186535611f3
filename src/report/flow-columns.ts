/** A flow record for people: seen from the end that is ours. */

import { FLOW_RECORD_FIELDS } from '../core/record.ts';
import { baseName, type Column, fieldColumn, formatEnd, numberOf, type Row, textOf } from './columns.ts';
import { formatSpan } from './local-time.ts';
import type { Look } from './look.ts';
import { type Naming, NUMERIC, namedEnd } from './naming.ts';
import { userWords } from './words.ts';

export type Side = 'src' | 'dst';
export const otherSide = (side: Side): Side => (side === 'src' ? 'dst' : 'src');

/** The end to look from: one with a process, else one that is on this host, else the sender of the first packet. */
export function ownSide(row: Row): Side {
  const sides: readonly Side[] = ['src', 'dst'];
  const isHere = (side: Side) => !['not-local', 'forwarded'].includes(textOf(row, `${side}_reason`) ?? '');
  return sides.find((side) => row[`${side}_pid`] !== null) ?? sides.find(isHere) ?? 'src';
}

/** `curl[1234]`, `curl[1234]?` when only likely, `nginx (1 of 4)` when shared, else `(reason)` and the user if known. */
export function formatOwner(row: Row, side: Side): string {
  const field = (name: string) => textOf(row, `${side}_${name}`);
  const pid = field('pid');
  if (pid !== null) return `${field('comm') ?? ''}[${pid}]${field('confidence') === 'likely' ? '?' : ''}`;
  const exe = field('exe');
  if (field('reason') === 'ambiguous') return `${exe === null ? '' : `${baseName(exe)} `}(1 of ${field('holders')})`;
  const user = field('user') ?? userWords(null, field('uid'));
  return `(${field('reason') ?? 'not looked up'})${user === null ? '' : ` ${user}`}`;
}

/** The name of the other end or `93.184.216.34:443`, and who is there when that is this host too. */
function formatRemote(row: Row, naming: Naming): string {
  const side = otherSide(ownSide(row));
  const end = namedEnd(row, side, side === 'dst', naming);
  return row[`${side}_pid`] === null ? end : `${end} ${formatOwner(row, side)}`;
}

/** Sum of an `_ip_bytes` or `_packets` counter in the direction that our end sent, or received. */
function counter(row: Row, way: 'tx' | 'rx', what: 'ip_bytes' | 'packets'): number {
  return numberOf(row, `${(way === 'tx') === (ownSide(row) === 'src') ? 'orig' : 'reply'}_${what}`);
}

const right = { align: 'right', mayShrink: false } as const;
const left = { align: 'left', mayShrink: false } as const;

export const FLOW_DEFAULT_COLUMNS = ['time', 'process', 'proto', 'way', 'remote', 'bytes'];

/** Columns of `flows`, then every field of the record. */
export function flowColumns({ time: formatTime, size: formatSize }: Look, naming: Naming = NUMERIC): readonly Column[] {
  const time = (field: string) => (row: Row) => formatTime(numberOf(row, field));
  const ours = (row: Row) => ownSide(row);
  return [
    { name: 'time', title: 'FIRST', ...left, cell: time('first_us') },
    { name: 'last', title: 'LAST', ...left, cell: time('last_us') },
    {
      name: 'duration',
      title: 'DURATION',
      ...right,
      cell: (r) => formatSpan(numberOf(r, 'last_us') - numberOf(r, 'first_us')),
    },
    { name: 'process', title: 'PROCESS', align: 'left', mayShrink: true, cell: (r) => formatOwner(r, ours(r)) },
    { name: 'proto', title: 'PROTO', ...left, cell: (r) => textOf(r, 'protocol') ?? '' },
    {
      name: 'local',
      title: 'LOCAL',
      ...left,
      cell: (r) => formatEnd(textOf(r, `${ours(r)}_addr`), textOf(r, `${ours(r)}_port`)),
    },
    { name: 'way', title: '', ...left, cell: (r) => (ours(r) === 'src' ? '->' : '<-') },
    { name: 'remote', title: 'REMOTE', align: 'left', mayShrink: true, cell: (r) => formatRemote(r, naming) },
    {
      name: 'bytes',
      title: 'BYTES',
      ...right,
      cell: (r) => formatSize(counter(r, 'tx', 'ip_bytes') + counter(r, 'rx', 'ip_bytes')),
    },
    { name: 'tx', title: 'TX', ...right, cell: (r) => formatSize(counter(r, 'tx', 'ip_bytes')) },
    { name: 'rx', title: 'RX', ...right, cell: (r) => formatSize(counter(r, 'rx', 'ip_bytes')) },
    {
      name: 'packets',
      title: 'PACKETS',
      ...right,
      cell: (r) => String(counter(r, 'tx', 'packets') + counter(r, 'rx', 'packets')),
    },
    ...(['user', 'unit', 'container', 'exe', 'cmdline', 'confidence'] as const).map((name) => ownColumn(name)),
    ...FLOW_RECORD_FIELDS.map(fieldColumn),
  ];
}

/** A field of the end that is ours. */
function ownColumn(name: string): Column {
  const cell = (row: Row) => textOf(row, `${ownSide(row)}_${name}`) ?? '';
  return { name, title: name.toUpperCase(), align: 'left', mayShrink: true, cell };
}
