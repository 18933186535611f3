/** How a page shows what rows hold. */
import type { Report, ReportRow } from '../../core/report.ts';
import type { Us } from '../../core/time.ts';
import { baseName, numberOf, textOf } from '../columns.ts';
import { formatIso, formatLocal, type Zone } from '../local-time.ts';
import type { Naming } from '../naming.ts';
import { formatShare, formatSize } from '../size.ts';
import { shortContainer, usageColumns, userOf } from '../usage-columns.ts';

export interface PageLook {
  readonly zone: Zone;
  readonly naming: Naming;
}

export const size = (field: string) => (row: ReportRow) => formatSize(numberOf(row, field));

export const share = (part: number, whole: number): string => (whole === 0 ? '' : formatShare(part / whole));

/** `2026-11-21 14:41:21`; the head of the page says of which zone. */
export const timeText = (us: Us, { zone }: PageLook): string => formatLocal(us, zone);

/** `UTC` or `UTC+01:00`, at that moment. */
export function zoneName(us: Us, { zone }: PageLook): string {
  const offset = /[+-]\d\d:\d\d$/.exec(formatIso(us, zone))?.[0] ?? '';
  return `UTC${offset}`;
}

/** What `usage` calls a row. */
export function groupName(row: ReportRow, groupBy: 'process' | 'port' | 'remote', { zone }: PageLook): string {
  return usageColumns(groupBy, zone)[0]!.cell(row);
}

/** `curl (root)`, `nginx (www-data, nginx.service)`; ends without a process by their reason. */
export function programName(row: ReportRow, look: PageLook): string {
  const exe = textOf(row, 'exe');
  if (exe === null || textOf(row, 'reason') !== null) return groupName(row, 'process', look);
  const container = textOf(row, 'container');
  const place = container === null ? textOf(row, 'unit') : shortContainer(container);
  const details = [userOf(row), place].filter((part) => part !== null && part !== '').join(', ');
  return details === '' ? baseName(exe) : `${baseName(exe)} (${details})`;
}

export function sumOf(rows: readonly ReportRow[], field: string): number {
  return rows.reduce((sum, row) => sum + numberOf(row, field), 0);
}

/** Of all rows of a list, those that are not shown too. */
export function totalOf({ rows, others }: Report['programs'], field: string): number {
  return sumOf(rows, field) + (others === null ? 0 : numberOf(others, field));
}
