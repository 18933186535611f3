/** What a part of a flow adds to the counters, given whose its ends are. Pure: the same for every level. */
import type { Us } from '../core/time.ts';
import { Captured } from './rollup-tables.ts';

/** Codes of REASONS; `Unasked` is none of them: the end was not looked up yet. */
const Reason = { Unasked: -1, Named: 0, Forwarded: 4, NotLocal: 5 } as const;

/** Whose an end is, as rows of the database. */
export interface EndShare {
  readonly program: number; // 0: not known
  readonly reason: number; // 0: a process is named; -1: not looked up
}

export const UNASKED: EndShare = { program: 0, reason: Reason.Unasked };

/** @param reason NULL for a named process, and for an end that nobody looked up */
export function endShare(process: number | null, program: number | null, reason: number | null): EndShare {
  if (process === null && reason === null) return UNASKED;
  return { program: program ?? 0, reason: process === null ? reason! : Reason.Named };
}

export const sameShare = (a: EndShare, b: EndShare): boolean => a.program === b.program && a.reason === b.reason;

/** What of a flow never changes. */
export interface FlowPlace {
  readonly protocol: number;
  readonly srcAddress: number; // row of `address`
  readonly dstAddress: number;
  readonly servicePort: number; // 0: none
}

/** Counters in the order of the columns of `flow`: packets, octets of frames, of IP packets, both directions. */
export const FLOW_COUNTERS = 6;

/** What a flow counted in one minute. */
export interface Piece {
  readonly bucketUs: Us;
  flows: number; // 1 where the flow began
  readonly counts: number[]; // [FLOW_COUNTERS]
}

/** Takes the sums of keys, which are in the order of the tables' columns. */
export interface ShareSink {
  traffic(key: readonly number[], sums: readonly number[]): void;
  captured(key: readonly number[], sums: readonly number[]): void;
}

/** @param sign 1 adds the piece, -1 takes it away */
export function addShare(
  sink: ShareSink,
  place: FlowPlace,
  src: EndShare,
  dst: EndShare,
  piece: Piece,
  sign: 1 | -1,
): void {
  const { bucketUs } = piece;
  const flows = sign * piece.flows;
  const { counts } = piece;
  const [a, b, c] = [sign * counts[0]!, sign * counts[1]!, sign * counts[2]!];
  const [d, e, f] = [sign * counts[3]!, sign * counts[4]!, sign * counts[5]!];
  sink.captured([bucketUs, kindOf(src, dst)], [flows, a + d, b + e, c + f]);
  const { srcAddress, dstAddress, servicePort, protocol } = place;
  if (isHere(src))
    sink.traffic([bucketUs, src.program, src.reason, dstAddress, servicePort, protocol], [flows, a, b, c, d, e, f]);
  if (isHere(dst))
    sink.traffic([bucketUs, dst.program, dst.reason, srcAddress, servicePort, protocol], [flows, d, e, f, a, b, c]);
}

/** Ends that the view `endpoint` has. */
function isHere({ reason }: EndShare): boolean {
  return reason !== Reason.Unasked && reason !== Reason.Forwarded && reason !== Reason.NotLocal;
}

/** An end that is not here cannot say why a flow has no process; the other one can. */
function kindOf(src: EndShare, dst: EndShare): number {
  if (src.reason === Reason.Named || dst.reason === Reason.Named) return Captured.Attributed;
  for (const { reason } of [src, dst]) if (reason !== Reason.Unasked && reason !== Reason.NotLocal) return reason;
  return Math.max(src.reason, dst.reason) === Reason.Unasked ? Captured.NotLookedUp : Reason.NotLocal;
}
