/** A report as data: what its page shows and its JSON is. Rows have the names of the database's columns. */
import type { FileNote } from './provenance.ts';
import type { Value } from './record.ts';
import type { Us } from './time.ts';

export type ReportRow = Readonly<Record<string, Value>>;

/** The largest rows, and all others added up, so that sums come out. */
export interface TopRows {
  readonly rows: readonly ReportRow[];
  readonly others: ReportRow | null; // `groups`: how many, then their sums
}

/** A file that the report is made from. */
export interface ReportInput extends FileNote {
  readonly damage: string | null; // what was not read, and from where on
}

/** Octets of IP packets of one group of local ends, by slot. */
export interface Course {
  readonly kind: 'program' | 'others' | 'unattributed';
  readonly group: ReportRow | null; // of a program: a row of `programs`
  readonly ip_bytes: readonly number[]; // [slots]
}

/** Equal parts of the range that hold traffic. The courses add up to `programs`. */
export interface Timeline {
  readonly from_us: Us;
  readonly slot_us: Us;
  readonly slots: number; // 0: no counters by time know what the filter asks for
  readonly courses: readonly Course[]; // programs with the most bytes first
}

/** Which flows a report is about, where it is not about all. */
export interface ReportFilter {
  readonly text: string; // `process curl, port 443`
  readonly captured: ReportRow; // `flows`, `packets`, `ip_bytes` of that time, whether they pass or not
}

export interface Report {
  readonly made: ReportRow; // `at_us`, `version`, `command`
  readonly filter: ReportFilter | null; // captures, interfaces and inputs are whole, all else is of flows that pass it
  readonly range: ReportRow; // asked for: `from_us`, `to_us`, null: no bound; stored: `first_us`, `last_us`
  readonly inputs: readonly ReportInput[]; // files that were read, for the report or into the database before
  readonly captures: TopRows; // recordings that overlap the range, the latest first
  readonly interfaces: TopRows;
  readonly parts: readonly ReportRow[]; // what became of every packet: they add up to what was captured, or passes
  readonly beside: readonly ReportRow[]; // `what`, `packets`: not in that sum
  readonly programs: TopRows; // by local ends, with those without a process by reason
  readonly processes: TopRows;
  readonly remotes: TopRows;
  readonly services: TopRows;
  readonly timeline: Timeline;
  readonly evidence: readonly ReportRow[]; // of ends with a process
  readonly flows: TopRows; // records of flows, the largest first
}
