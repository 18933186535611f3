import type { Row } from '../report/columns.ts';
import { reporters } from '../report/index.ts';
import type { Context } from './context.ts';
import { columnsOf, type FormatFlags, type Printing } from './formats.ts';

/** Rows that give a table its widths from one print to the next. */
const SAMPLE = 50;

/** Prints rows now and then, below those that it printed before. */
export class GrowingRows {
  readonly #context: Context;
  readonly #flags: FormatFlags;
  readonly #printing: Printing;
  readonly #sample: Row[] = [];
  #printed = 0;

  constructor(context: Context, flags: FormatFlags, printing: Printing) {
    this.#context = context;
    this.#flags = flags;
    this.#printing = printing;
  }

  print(rows: Iterable<Row>): void {
    const { format, limit = 0, csvRaw = false } = this.#flags;
    const news = [...rows].slice(0, limit === 0 ? undefined : limit - this.#printed);
    if (news.length === 0) return;
    const columns = columnsOf(this.#flags, this.#printing);
    const width = this.#context.outIsTerminal ? this.#context.columns : Number.POSITIVE_INFINITY;
    const layout = { columns, fields: this.#printing.fields, width, csvRaw };
    const before = format === 'table' ? this.#sample : [];
    const hasTitles = format !== 'ndjson';
    let toSkip = this.#printed === 0 ? 0 : before.length + (hasTitles ? 1 : 0);
    for (const text of reporters[format]([...before, ...news], layout)) if (toSkip-- <= 0) this.#context.out(text);
    this.#sample.push(...news.slice(0, SAMPLE - this.#sample.length));
    this.#printed += news.length;
  }
}
