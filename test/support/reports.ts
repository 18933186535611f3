/** Reports of databases of a few ticks. */
import { gatherReport } from '../../src/app/report/gather.ts';
import { askedRange } from '../../src/cli/usage-range.ts';
import type { Report, ReportInput } from '../../src/core/report.ts';
import type { Tick } from '../../src/core/tick.ts';
import type { FlowFilter } from '../../src/store/conditions.ts';
import { Reader } from '../../src/store/reader.ts';
import { withDatabase } from './database.ts';
import { NOON } from './ticks.ts';

export interface Asked {
  readonly sinceUs?: number;
  readonly untilUs?: number;
  readonly most?: number;
  readonly inputs?: readonly ReportInput[];
  readonly command?: string;
  readonly filter?: FlowFilter;
}

export function reportOf(ticks: readonly Tick[], asked: Asked = {}): Report {
  const { sinceUs, untilUs, most = 15, inputs, command = 'report', filter } = asked;
  const flows = {
    ...filter,
    ...(sinceUs !== undefined && { sinceUs }),
    ...(untilUs !== undefined && { untilUs }),
  };
  return withDatabase(ticks, (path) => {
    const reader = Reader.open(path);
    try {
      const range = askedRange(reader, sinceUs, untilUs);
      const filterText = filter === undefined ? null : 'chosen';
      const made = { atUs: NOON, version: '0.0.0', command };
      return gatherReport(reader, { range, flows, filterText, most, ...(inputs !== undefined && { inputs }), ...made });
    } finally {
      reader.close();
    }
  });
}
