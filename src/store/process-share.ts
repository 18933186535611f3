/** What flows add to the totals of the processes at their ends, whole, as the rows of `flow` name them. */
import type { Us } from '../core/time.ts';
import type { ShareSink } from './flow-share.ts';

type Nullable = number | null;

/** IP octets in the order of the counters of `flow`: what each direction carried. */
const [ORIGINAL, REPLY] = [2, 5];
const SUMS = [0, 0, 0]; // of one call, in the order of PROCESS_SUMS

/** The processes at both ends of a flow. */
export interface ProcessesOf {
  readonly src: Nullable; // rows of `process`
  readonly dst: Nullable;
}

export function beginProcesses(
  sink: ShareSink,
  { src, dst }: ProcessesOf,
  totals: readonly number[],
  lastUs: Us,
): void {
  if (src !== null) add(sink, src, 1, totals[ORIGINAL]!, totals[REPLY]!, lastUs);
  if (dst !== null) add(sink, dst, 1, totals[REPLY]!, totals[ORIGINAL]!, lastUs);
}

/** What another process has now is taken from the one before. */
export function moveProcesses(
  sink: ShareSink,
  [before, after]: readonly [ProcessesOf, ProcessesOf],
  [from, to]: readonly [totals: readonly number[], totals: readonly number[]],
  lastUs: Us,
): void {
  moveEnd(sink, before.src, after.src, [from[ORIGINAL]!, from[REPLY]!], [to[ORIGINAL]!, to[REPLY]!], lastUs);
  moveEnd(sink, before.dst, after.dst, [from[REPLY]!, from[ORIGINAL]!], [to[REPLY]!, to[ORIGINAL]!], lastUs);
}

type Carried = readonly [sent: number, received: number];

function moveEnd(sink: ShareSink, before: Nullable, after: Nullable, was: Carried, is: Carried, lastUs: Us): void {
  if (before === after) {
    if (after !== null) add(sink, after, 0, is[0] - was[0], is[1] - was[1], lastUs);
    return;
  }
  if (before !== null) add(sink, before, -1, -was[0], -was[1], lastUs);
  if (after !== null) add(sink, after, 1, is[0], is[1], lastUs);
}

function add(sink: ShareSink, process: number, flows: number, sent: number, received: number, lastUs: Us): void {
  SUMS[0] = flows;
  SUMS[1] = sent;
  SUMS[2] = received;
  sink.process(process, SUMS, lastUs);
}
