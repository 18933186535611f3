/** Everything that a report says, from the queries that usage, hosts, processes and flows ask too. */
import { addressBytes, parseAddress } from '../../core/address.ts';
import type { Maker } from '../../core/provenance.ts';
import type { Report, ReportInput, ReportRow, TopRows } from '../../core/report.ts';
import type { Us } from '../../core/time.ts';
import { USAGE_SUMS } from '../../core/usage.ts';
import { compileCapturedFiles, compileCapturedInterfaces, compileCaptures } from '../../store/compile-captures.ts';
import { compileEvidence } from '../../store/compile-evidence.ts';
import { compileHosts } from '../../store/compile-hosts.ts';
import { compileFlows, compileProcesses } from '../../store/compile-query.ts';
import { compileCaptured, compileConservation, compileUsage } from '../../store/compile-usage.ts';
import type { FlowFilter } from '../../store/conditions.ts';
import type { Reader } from '../../store/reader.ts';
import { Captured } from '../../store/rollup-tables.ts';
import type { GroupBy } from '../../store/usage-groups.ts';
import { segmentsOf } from '../../store/usage-plan.ts';
import type { ReportRange } from './report-range.ts';
import { timelineOf } from './timeline.ts';
import { topRows } from './top-rows.ts';

export interface ReportQuestion extends Maker {
  readonly range: ReportRange;
  readonly flows: FlowFilter; // which ones, and the range to the microsecond
  readonly filterText: string | null; // what `flows` has beside the range, in words; null: nothing
  readonly most: number; // rows of each list
  readonly inputs?: readonly ReportInput[]; // as they were read just now; absent: as the database has them
  readonly atUs: Us;
}

const BY_BYTES = { by: 'bytes', direction: 'desc' } as const;
const DROPS = ['packets', 'bytes', 'kernel_drops', 'interface_drops'];

export function gatherReport(reader: Reader, question: ReportQuestion): Report {
  const { range, flows, filterText, most, inputs, atUs, version, command } = question;
  const segments = segmentsOf(range, range.kept);
  const isChosen = filterText !== null;
  const usageBy = (groupBy: GroupBy): TopRows => {
    const of = isChosen ? { filter: flows, wholeFlows: true } : { filter: {} };
    const order = { by: 'total', direction: 'desc' } as const;
    return topRows(reader.rows(compileUsage({ ...of, groupBy, segments, order, limit: null })), most, USAGE_SUMS);
  };
  const captured = reader.all(compileCaptured(segments));
  const parts = captured.filter(({ kind }) => Number(kind) < Captured.Beside);
  const programs = usageBy('process');
  const largest = flowsOf(reader, flows, most);
  return {
    made: { at_us: atUs, version, command },
    filter: isChosen ? { text: filterText, captured: sumsOf(parts) } : null,
    range: { ...spanOf(reader, range, flows), partly_flows: largest.partly },
    inputs: inputs ?? filesOf(reader, range),
    captures: topRows(reader.rows(compileCaptures(range)), most, DROPS),
    interfaces: topRows(reader.rows(compileCapturedInterfaces(range)), most, ['packets', 'bytes']),
    parts: isChosen ? reader.all(compileConservation(flows)).map(withoutPartly) : parts.map(withoutKind),
    beside: isChosen ? [] : captured.filter(({ kind }) => Number(kind) >= Captured.Beside).map(besideOf),
    programs,
    processes: processesOf(reader, flows, most),
    remotes: withNames(reader, flows, usageBy('remote')),
    services: usageBy('port'),
    timeline: timelineOf(reader, range, programs.rows, flows),
    evidence: reader.all(compileEvidence(flows)),
    flows: largest.top,
  };
}

const filesOf = (reader: Reader, range: ReportRange): readonly ReportInput[] =>
  reader.all(compileCapturedFiles(range)) as unknown as readonly ReportInput[]; // that query has these columns

/** Of what is stored: the first and the last moment of a flow that has a part in the range. */
function spanOf(reader: Reader, range: ReportRange, flows: FlowFilter): ReportRow {
  const edge = (by: 'first' | 'last', direction: 'asc' | 'desc') =>
    reader.all(compileFlows(flows, { by, direction }, 1))[0];
  return {
    from_us: flows.sinceUs === undefined ? null : range.fromUs,
    to_us: flows.untilUs === undefined ? null : range.toUs,
    first_us: edge('first', 'asc')?.first_us ?? null,
    last_us: edge('last', 'desc')?.last_us ?? null,
    flows_from_us: range.flowsFromUs > range.fromUs ? range.flowsFromUs : null,
  };
}

const withoutKind = ({ kind: _, ...part }: ReportRow): ReportRow => part;
const withoutPartly = ({ partly: _, ...part }: ReportRow): ReportRow => part;

function sumsOf(rows: readonly ReportRow[]): ReportRow {
  const sum = (field: string): number => rows.reduce((total, row) => total + Number(row[field] ?? 0), 0);
  return { flows: sum('flows'), packets: sum('packets'), ip_bytes: sum('ip_bytes') };
}

const BESIDE: ReadonlyMap<number, string> = new Map([
  [Captured.Duplicate, 'duplicate'],
  [Captured.Malformed, 'malformed'],
  [Captured.KernelDrop, 'kernel-drop'],
  [Captured.InterfaceDrop, 'interface-drop'],
]);

const besideOf = ({ kind, packets }: ReportRow): ReportRow => ({
  what: BESIDE.get(Number(kind)) ?? null,
  packets: packets ?? 0,
});

function processesOf(reader: Reader, filter: FlowFilter, most: number): TopRows {
  const rows = function* (): Generator<ReportRow> {
    for (const { process: _, parent: __, ...row } of reader.rows(compileProcesses(filter, BY_BYTES, null)))
      if (Number(row.flows) > 0) yield row; // the others only lived then
  };
  return topRows(rows(), most, ['flows', 'tx_ip_bytes', 'rx_ip_bytes', 'ip_bytes']);
}

/** What the few that are shown were called, and who talked to them. */
function withNames(reader: Reader, filter: FlowFilter, { rows, others }: TopRows): TopRows {
  const named = rows.map((row) => {
    const words = row.remote_addr === null ? undefined : parseAddress(String(row.remote_addr));
    const bytes = words === undefined ? undefined : addressBytes(words);
    if (bytes === undefined) return { ...row, name: null, processes: null };
    const remote = { first: bytes, last: bytes };
    const [host] = reader.all(compileHosts({ ...filter, remote }, { sinceUs: null, only: false }, BY_BYTES, 1));
    return { ...row, name: host?.name ?? null, processes: host?.processes ?? null };
  });
  return { rows: named, others };
}

function flowsOf(reader: Reader, filter: FlowFilter, most: number): { readonly top: TopRows; readonly partly: number } {
  const rows = reader.all(compileFlows(filter, BY_BYTES, most));
  const all = reader.all(compileConservation(filter));
  const sum = (of: readonly ReportRow[], ...fields: string[]): number =>
    of.reduce((total, row) => fields.reduce((part, field) => part + Number(row[field] ?? 0), total), 0);
  const groups = sum(all, 'flows') - rows.length;
  const others = {
    groups,
    packets: sum(all, 'packets') - sum(rows, 'orig_packets', 'reply_packets'),
    ip_bytes: sum(all, 'ip_bytes') - sum(rows, 'orig_ip_bytes', 'reply_ip_bytes'),
  };
  return { top: { rows, others: groups === 0 ? null : others }, partly: sum(all, 'partly') };
}
