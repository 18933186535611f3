import type { ReportRow, TopRows } from '../../core/report.ts';

/**
 * @param rows largest first; read to the end, however many there are
 * @param most rows that are kept
 * @param sums fields that are added up of the others
 */
export function topRows(rows: Iterable<ReportRow>, most: number, sums: readonly string[]): TopRows {
  const top: ReportRow[] = [];
  const others: Record<string, number> = { groups: 0, ...Object.fromEntries(sums.map((name) => [name, 0])) };
  for (const row of rows) {
    if (top.length < most) {
      top.push(row);
      continue;
    }
    others.groups! += 1;
    for (const name of sums) others[name]! += Number(row[name] ?? 0);
  }
  return { rows: top, others: others.groups === 0 ? null : others };
}
