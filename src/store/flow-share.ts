/** What a part of a flow adds to the counters, given whose its ends are. Pure: the same for every level. */
import type { Us } from '../core/time.ts';
import { Captured, TRAFFIC_KEY } from './rollup-tables.ts';
import { servicePort } from './service-port.ts';

/** Codes of REASONS; `Unasked` is none of them: the end was not looked up yet. */
const Reason = { Unasked: -1, Named: 0, Forwarded: 4, NotLocal: 5 } as const;

/** Whose an end is, as rows of the database. */
export interface EndShare {
  readonly program: number; // 0: not known
  readonly reason: number; // 0: a process is named; -1: not looked up
}

const UNASKED: EndShare = { program: 0, reason: Reason.Unasked };

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

export function placeOf(
  protocol: number,
  srcAddress: number,
  srcPort: number | null,
  dstAddress: number,
  dstPort: number | null,
): FlowPlace {
  return { protocol, srcAddress, dstAddress, servicePort: servicePort(protocol, srcPort, dstPort) ?? 0 };
}

/** Counters in the order of the columns of `flow`: packets, octets of frames, of IP packets, both directions. */
export const FLOW_COUNTERS = 6;

/** What a flow counted in one minute. */
export interface Piece {
  readonly bucketUs: Us;
  flows: number; // 1 where the flow began
  readonly counts: readonly number[]; // [FLOW_COUNTERS]
}

/** Takes the sums of keys, which are in the order of the tables' columns. The arrays are filled anew afterwards. */
export interface ShareSink {
  traffic(key: readonly number[], sums: readonly number[]): void;
  captured(key: readonly number[], sums: readonly number[]): void;
  /** @param process row. @param sums in the order of PROCESS_SUMS. @param lastUs latest packet of the flow */
  process(process: number, sums: readonly number[], lastUs: Us): void;
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
  const { bucketUs, counts } = piece;
  KIND_KEY[0] = bucketUs;
  KIND_KEY[1] = kindOf(src, dst);
  KIND_SUMS[0] = sign * piece.flows;
  for (let i = 0; i < HALF; i++) KIND_SUMS[1 + i] = sign * (counts[i]! + counts[HALF + i]!);
  sink.captured(KIND_KEY, KIND_SUMS);
  if (isHere(src)) addEnd(sink, place, src, place.dstAddress, piece, sign, 0);
  if (isHere(dst)) addEnd(sink, place, dst, place.srcAddress, piece, sign, HALF);
}

/** @param sent index of the first counter of what that end sent */
function addEnd(
  sink: ShareSink,
  place: FlowPlace,
  share: EndShare,
  remote: number,
  piece: Piece,
  sign: 1 | -1,
  sent: number,
): void {
  KEY[0] = piece.bucketUs;
  KEY[1] = share.program;
  KEY[2] = share.reason;
  KEY[3] = remote;
  KEY[4] = place.servicePort;
  KEY[5] = place.protocol;
  SUMS[0] = sign * piece.flows;
  for (let i = 0; i < HALF; i++) {
    SUMS[1 + i] = sign * piece.counts[sent + i]!;
    SUMS[1 + HALF + i] = sign * piece.counts[HALF - sent + i]!;
  }
  sink.traffic(KEY, SUMS);
}

const HALF = FLOW_COUNTERS / 2; // counters of a direction
/** Of one call: six arrays for each flow were a fifth of what a tick leaves to the collector of garbage. */
const [KIND_KEY, KIND_SUMS] = [[0, 0], new Array<number>(1 + HALF).fill(0)];
const [KEY, SUMS] = [new Array<number>(TRAFFIC_KEY.length).fill(0), new Array<number>(1 + FLOW_COUNTERS).fill(0)];

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
