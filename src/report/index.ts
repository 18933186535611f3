import type { Reporter } from './columns.ts';
import { csv } from './csv.ts';
import { json, ndjson } from './json.ts';
import { table } from './table.ts';

/** Every --format. A new one is a file here and a line in this list. */
export const reporters = { table, json, ndjson, csv } as const satisfies Record<string, Reporter>;
export type Format = keyof typeof reporters;
export const FORMATS = Object.keys(reporters) as Format[];
