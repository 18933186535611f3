/** The lines below usage: captured = attributed + unattributed by reason, what stands beside it, and what the kernel counted. */
import { numberOf, type Row, textOf } from '../report/columns.ts';
import type { Format } from '../report/index.ts';
import { countText, formatShare, formatSize } from '../report/size.ts';
import {
  compileCaptured,
  compileConservation,
  compileInterfaces,
  compileUsage,
  sourceOf,
  type UsageQuery,
} from '../store/compile-usage.ts';
import type { Reader } from '../store/reader.ts';
import { Captured } from '../store/rollup-tables.ts';
import { segmentsOf } from '../store/usage-plan.ts';
import type { Context } from './context.ts';
import { note, notePartly } from './formats.ts';
import type { AskedRange } from './usage-range.ts';

interface Asked {
  readonly query: UsageQuery;
  readonly range: AskedRange;
  readonly format: Format;
}

export function printSum(context: Context, reader: Reader, { query, range, format }: Asked): void {
  const segments = segmentsOf(range, range.kept);
  const all = reader.all(compileCaptured(segments));
  const isOfFlows = sourceOf(query.filter, query.groupBy) === null;
  const { sinceUs, untilUs, ...filter } = query.filter;
  const isFiltered = Object.keys(filter).length > 0;
  // What is in no flow passes no filter: then it stands beside the sum.
  const parts = isOfFlows
    ? [...reader.all(compileConservation(query.filter)), ...(isFiltered ? [] : all.filter(isNotIp))]
    : all.filter((row) => numberOf(row, 'kind') < Captured.Beside);
  if (format === 'table') context.out('\n');
  const matched = isFiltered && !isOfFlows ? [matchedLine(reader, query, parts)] : [];
  const lines = [...matched, ...sumLines(parts, isFiltered && isOfFlows ? 'matched' : 'captured')];
  const beside = all.filter(
    (row) => numberOf(row, 'kind') >= Captured.Beside || (isOfFlows && isFiltered && isNotIp(row)),
  );
  const counted = reader.all(compileInterfaces(range, MOST_INTERFACES));
  for (const line of [...lines, ...besideLines(beside), ...counted.map(interfaceLine)]) note(context, format, line);
  if (isOfFlows) notePartly(context, total(parts, 'partly'));
  if (isOfFlows && range.fromUs < range.flowsFromUs) {
    context.err('pcapid: flows of a part of the range were deleted (record --keep); --by process has all of it\n');
  }
}

const isNotIp = (row: Row) => numberOf(row, 'kind') === Captured.NotIp;

/** What the filter left of the sum below it: of ends, of which a flow inside this host has two. */
function matchedLine(reader: Reader, query: UsageQuery, parts: readonly Row[]): string {
  const { limit: _, ...all } = query;
  const rows = reader.all(compileUsage({ ...all, groupBy: 'exe', limit: null }));
  const [bytes, captured] = [total(rows, 'ip_bytes'), total(parts, 'ip_bytes')];
  const share = captured === 0 ? 0 : bytes / captured;
  return `${'matched'.padEnd(24)}${formatSize(bytes).padStart(9)}${formatShare(share).padStart(9)}  at ends on this host`;
}

function sumLines(parts: readonly Row[], title: string): readonly string[] {
  const captured = {
    ip_bytes: total(parts, 'ip_bytes'),
    flows: total(parts, 'flows'),
    packets: total(parts, 'packets'),
  };
  const line = (name: string, row: Row) => {
    const share = captured.ip_bytes === 0 ? 0 : numberOf(row, 'ip_bytes') / captured.ip_bytes;
    const flows = numberOf(row, 'flows');
    const counts = `${countText(numberOf(row, 'packets'), 'packet')}, ${flows === 0 ? 'in no flow' : countText(flows, 'flow')}`;
    return `${name.padEnd(24)}${formatSize(numberOf(row, 'ip_bytes')).padStart(9)}${formatShare(share).padStart(9)}  ${counts}`;
  };
  const partName = (part: Row) =>
    part.attributed === 1 ? 'attributed' : `(${textOf(part, 'reason') ?? 'not looked up'})`;
  return [line(title, captured), ...parts.map((part, i) => line(`${i === 0 ? '=' : '+'} ${partName(part)}`, part))];
}

const BESIDE: ReadonlyMap<number, string> = new Map([
  [Captured.NotIp, 'not IP'],
  [Captured.Duplicate, 'seen again on another interface'],
  [Captured.Malformed, 'cut or malformed'],
  [Captured.KernelDrop, 'dropped by the kernel'],
  [Captured.InterfaceDrop, 'dropped by the interface'],
]);

/** What was counted in the same range, whatever the filter; nothing of it is in the sum. */
function besideLines(rows: readonly Row[]): readonly string[] {
  return rows.map(
    (row) => `beside: ${countText(numberOf(row, 'packets'), 'packet')} ${BESIDE.get(numberOf(row, 'kind'))}`,
  );
}

/** Those with the most traffic. */
const MOST_INTERFACES = 5;
/** A captured packet may stand for several on the wire, and a cooked header is longer than that of Ethernet. */
const WHY_DIFFERENT = 'offload, link headers, filter, not captured';

function interfaceLine(row: Row): string {
  const [kernel, captured] = [numberOf(row, 'kernel_bytes'), numberOf(row, 'bytes')];
  const difference = `${kernel < captured ? '-' : ''}${formatSize(Math.abs(kernel - captured))}`;
  return `interface ${textOf(row, 'name')}: ${formatSize(kernel)} by the kernel, ${formatSize(captured)} captured, difference ${difference} (${WHY_DIFFERENT})`;
}

function total(rows: readonly Row[], field: string): number {
  return rows.reduce((sum, row) => sum + numberOf(row, field), 0);
}
