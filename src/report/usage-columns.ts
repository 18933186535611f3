/** Usage for people. */
import { USAGE_KEYS, USAGE_SUMS } from '../core/usage.ts';
import { baseName, type Column, fieldColumn, numberOf, type Row, textOf } from './columns.ts';
import { formatLocal, type Zone } from './local-time.ts';
import { formatShare, formatSize } from './size.ts';
import { userWords } from './words.ts';

const right = { align: 'right', mayShrink: false } as const;
const left = { align: 'left', mayShrink: false } as const;
const shrinking = { align: 'left', mayShrink: true } as const;

export const USAGE_FIELDS = ['group_by', ...USAGE_KEYS, 'reason', ...USAGE_SUMS, 'share'];
export const USAGE_DEFAULT_COLUMNS = ['name', 'tx', 'rx', 'total', 'share', 'packets', 'flows'];
/** With pictures: the share as a bar, the course over the range. */
export const TERMINAL_COLUMNS = ['name', 'tx', 'rx', 'total', 'share', 'bar', 'trend', 'flows'];

export function usageColumns(groupBy: string, zone: Zone): readonly Column[] {
  const size = (field: string) => (row: Row) => formatSize(numberOf(row, field));
  return [
    { name: 'name', title: groupBy.toUpperCase(), ...shrinking, cell: (row) => nameOf(row, groupBy, zone) },
    { name: 'tx', title: 'TX', ...right, cell: size('tx_ip_bytes') },
    { name: 'rx', title: 'RX', ...right, cell: size('rx_ip_bytes') },
    { name: 'total', title: 'TOTAL', ...right, cell: size('ip_bytes') },
    { name: 'share', title: 'SHARE', ...right, cell: (row) => formatShare(numberOf(row, 'share')) },
    { name: 'bar', title: 'BAR', ...left, isSpare: true, cell: (row) => textOf(row, 'bar') ?? '' },
    { name: 'trend', title: 'TREND', ...left, isSpare: true, cell: (row) => textOf(row, 'trend') ?? '' },
    { name: 'packets', title: 'PACKETS', ...right, cell: (row) => textOf(row, 'packets') ?? '' },
    { name: 'flows', title: 'FLOWS', ...right, cell: (row) => textOf(row, 'flows') ?? '' },
    ...without(USAGE_FIELDS, ['share', 'packets', 'flows']).map(fieldColumn),
  ];
}

/** What a group is called; ends that belong to none are called by their reason, in parentheses. */
function nameOf(row: Row, groupBy: string, zone: Zone): string {
  const reason = textOf(row, 'reason');
  const exe = textOf(row, 'exe');
  const container = textOf(row, 'container');
  if (row.bucket_us !== null && row.bucket_us !== undefined)
    return formatLocal(numberOf(row, 'bucket_us'), zone).slice(0, groupBy === 'day' ? 10 : 16);
  if (groupBy === 'remote') return textOf(row, 'remote_addr') ?? '(others)';
  if (groupBy === 'name') return textOf(row, 'remote_name') ?? '(no name)';
  if (groupBy === 'interface') return textOf(row, 'interface') ?? '(unknown)';
  if (groupBy === 'protocol') return textOf(row, 'protocol') ?? '';
  if (groupBy === 'port')
    return [textOf(row, 'protocol'), textOf(row, 'port')].filter((part) => part !== null).join('/');
  if (groupBy === 'pid' && row.pid !== null) return `${textOf(row, 'comm')}[${textOf(row, 'pid')}]`;
  if (reason !== null) {
    const hint = exe === null ? namedUser(row) : baseName(exe);
    return `(${reason})${hint === null ? '' : ` ${hint}`}`;
  }
  if (groupBy === 'user') return userOf(row) || '(unknown)';
  if (groupBy === 'unit') return textOf(row, 'unit') ?? '(no unit)';
  if (groupBy === 'container') return container === null ? '(no container)' : shortContainer(container);
  if (groupBy === 'exe') return exe ?? '(unknown)';
  const place = container === null ? textOf(row, 'unit') : shortContainer(container);
  return [exe === null ? '(unknown)' : baseName(exe), namedUser(row), place]
    .filter((part) => part !== '' && part !== null)
    .join(' ');
}

/** As userOf(), but a number that stands behind a program says what it is. */
function namedUser(row: Row): string | null {
  return textOf(row, 'user') ?? userWords(null, textOf(row, 'uid'));
}

/** A user's name, else the number, else nothing. */
export function userOf(row: Row): string {
  return textOf(row, 'user') ?? textOf(row, 'uid') ?? '';
}

/** The 12 digits that container tools print of an id. */
export function shortContainer(container: string): string {
  return /^[0-9a-f]{64}$/.test(container) ? container.slice(0, 12) : container;
}

function without(names: readonly string[], taken: readonly string[]): readonly string[] {
  return names.filter((name) => !taken.includes(name));
}
