/** What a tick does to flows, as far as the counters by minute need to know. */
import type { Us } from '../core/time.ts';
import {
  addShare,
  type EndShare,
  endShare,
  FLOW_COUNTERS,
  type FlowPlace,
  type Piece,
  placeOf,
  type ShareSink,
  sameShare,
} from './flow-share.ts';
import { beginProcesses, moveProcesses, type ProcessesOf } from './process-share.ts';
import { bucketOf, LEVELS } from './rollup-tables.ts';
import type { Sqlite, Statement } from './sqlite.ts';

/** Minutes of a flow that follow a name which comes late; what is older keeps the name it had. */
const MOST_PIECES = 64;
/** What is older was deleted of some counters: it keeps the name it had in the others. */
const KEPT_FROM = "SELECT max(from_us) FROM kept WHERE what IN ('minute', 'hour', 'day', 'remotes')";
/** Checkpoints of ended flows that go in one tick at most: 2,000 take 10 ms. */
const MOST_SETTLED = 2000;
const TOTALS = ['orig_packets', 'orig_bytes', 'orig_ip_bytes', 'reply_packets', 'reply_bytes', 'reply_ip_bytes'];
const FIND = `SELECT first_us, last_us, end_reason, protocol, src_address, src_port, dst_address, dst_port,
  src_process, src_program, src_reason, dst_process, dst_program, dst_reason, ${TOTALS.join(', ')} FROM flow WHERE id = ?`;
const CHECKPOINT = `INSERT INTO flow_checkpoint (flow, bucket_us, ${TOTALS.join(', ')})
  VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

type Nullable = number | null;
type FlowRow = [Us, Us, Nullable, number, number, Nullable, number, Nullable, ...ends: Nullable[]];

/** A flow of before that a tick touches. A class: object spreads took three times as long, for each flow. */
class Change {
  readonly id: number; // row of `flow`
  readonly firstUs: Us;
  readonly place: FlowPlace;
  readonly srcBefore: EndShare;
  readonly dstBefore: EndShare;
  src: EndShare; // after the tick
  dst: EndShare;
  readonly processesBefore: ProcessesOf;
  readonly processes: { src: Nullable; dst: Nullable };
  isEnded: boolean;
  lastUs: Us;
  totals: readonly number[]; // [FLOW_COUNTERS]
  readonly totalsBefore: readonly number[];
  readonly added: AddedPiece[] = []; // in this tick

  constructor(row: FlowRow, id: number) {
    const [firstUs, lastUs, endReason, protocol, srcAddress, srcPort, dstAddress, dstPort, ...rest] = row;
    const src = endShare(rest[0]!, rest[1]!, rest[2]!);
    const dst = endShare(rest[3]!, rest[4]!, rest[5]!);
    this.id = id;
    this.firstUs = firstUs;
    this.place = placeOf(protocol, srcAddress, srcPort, dstAddress, dstPort);
    this.isEnded = endReason !== null;
    this.lastUs = lastUs;
    this.totals = this.totalsBefore = rest.slice(6) as number[];
    this.processesBefore = { src: rest[0]!, dst: rest[3]! };
    this.processes = { src: rest[0]!, dst: rest[3]! };
    this.srcBefore = src;
    this.dstBefore = dst;
    this.src = src;
    this.dst = dst;
  }
}

interface AddedPiece extends Piece {
  readonly counts: number[];
}

/**
 * Splits what flows count by the minutes in which they counted it, and moves it when an end is named anew. Where a flow
 * goes on into another minute, `flow_checkpoint` keeps its totals: the pieces of a flow are the differences of these.
 */
export class FlowChanges {
  readonly #changes = new Map<number, Change>();
  readonly #find: Statement<FlowRow>;
  readonly #checkpoint: Statement;
  readonly #checkpoints: Statement<number[]>;
  readonly #keptFrom: Statement<Us>;
  readonly #forgetOld: Statement;
  readonly #forget: Statement;
  readonly #settledUs: Us;
  readonly #sink: ShareSink;
  #ended: { readonly id: number; readonly lastUs: Us }[] = []; // that have checkpoints, oldest first

  /** @param settledUs a flow that has ended so long ago is named no more, and never anew */
  constructor(db: Sqlite, sink: ShareSink, settledUs: Us) {
    this.#settledUs = settledUs;
    this.#sink = sink;
    this.#find = db.prepare(FIND).raw() as Statement<FlowRow>;
    this.#checkpoint = db.prepare(CHECKPOINT);
    this.#checkpoints = db
      .prepare(`SELECT bucket_us, ${TOTALS.join(', ')} FROM flow_checkpoint WHERE flow = ? ORDER BY bucket_us`)
      .raw() as Statement<number[]>;
    this.#keptFrom = db.prepare(KEPT_FROM).pluck() as Statement<Us>;
    this.#forgetOld = db.prepare('DELETE FROM flow_checkpoint WHERE flow = ? AND bucket_us < ?');
    this.#forget = db.prepare('DELETE FROM flow_checkpoint WHERE flow = ?');
  }

  /** @returns whether the flow is in the database */
  has(id: number): boolean {
    return this.#changeOf(id) !== undefined;
  }

  /** Time of the latest row of a flow that is in the database. */
  lastUs(id: number): Us {
    return this.#changeOf(id)!.lastUs;
  }

  /** When the flow began; Infinity: it is not in the database. */
  firstUs(id: number): Us {
    return this.#changeOf(id)?.firstUs ?? Number.POSITIVE_INFINITY;
  }

  /** A flow that was just inserted with what it counted by `lastUs`. What comes later of it finds it in the database. */
  begin(
    place: FlowPlace,
    src: EndShare,
    dst: EndShare,
    processes: ProcessesOf,
    lastUs: Us,
    counts: readonly number[],
  ): void {
    beginProcesses(this.#sink, processes, counts, lastUs);
    addShare(this.#sink, place, src, dst, { bucketUs: bucketOf('minute', lastUs), flows: 1, counts }, 1);
  }

  /** @param totals of the flow now, [FLOW_COUNTERS], counted by `lastUs` and after the row before */
  count(id: number, lastUs: Us, totals: readonly number[], isEnded: boolean): void {
    const change = this.#changeOf(id)!;
    const bucketUs = bucketOf('minute', lastUs);
    const lastBucketUs = bucketOf('minute', change.lastUs);
    if (bucketUs > lastBucketUs) {
      this.#checkpoint.run(id, lastBucketUs, ...change.totals);
      this.#forgetOld.run(id, lastBucketUs - (MOST_PIECES - 1) * LEVELS.minute);
    }
    if (isEnded && bucketUs > bucketOf('minute', change.firstUs)) this.#ended.push({ id, lastUs });
    let piece = change.added.at(-1);
    if (piece?.bucketUs !== bucketUs) {
      piece = { bucketUs, flows: 0, counts: new Array<number>(FLOW_COUNTERS).fill(0) };
      change.added.push(piece);
    }
    for (let i = 0; i < FLOW_COUNTERS; i++) piece.counts[i]! += totals[i]! - change.totals[i]!;
    change.lastUs = lastUs;
    change.totals = totals;
    change.isEnded ||= isEnded;
  }

  name(id: number, side: 'src' | 'dst', process: Nullable, program: Nullable, reason: Nullable): void {
    const change = this.#changeOf(id);
    if (change === undefined) return;
    change[side] = endShare(process, program, reason);
    change.processes[side] = process;
  }

  /** Hands over what the tick changed of flows of before. */
  take(nowUs: Us): void {
    const settledUs = nowUs - this.#settledUs;
    const keptFromUs = this.#keptFrom.get()!;
    for (const change of this.#changes.values()) {
      const { processesBefore, processes, totalsBefore, totals } = change;
      moveProcesses(this.#sink, [processesBefore, processes], [totalsBefore, totals], change.lastUs);
      const isSettled = change.isEnded && change.lastUs < settledUs;
      if (isSettled) {
        change.src = change.srcBefore;
        change.dst = change.dstBefore;
      }
      this.#share(change, keptFromUs);
    }
    this.#changes.clear();
    this.#settle(settledUs);
  }

  /** What was collected is of a transaction that came to nothing. */
  rollback(): void {
    this.#changes.clear();
  }

  #share(change: Change, keptFromUs: Us): void {
    const { place, added, srcBefore, dstBefore, src, dst } = change;
    for (const piece of added) addShare(this.#sink, place, srcBefore, dstBefore, piece, 1);
    if (sameShare(srcBefore, src) && sameShare(dstBefore, dst)) return;
    for (const piece of this.#pieces(change)) {
      if (piece.bucketUs < keptFromUs) continue;
      addShare(this.#sink, place, srcBefore, dstBefore, piece, -1);
      addShare(this.#sink, place, src, dst, piece, 1);
    }
  }

  /** Everything that the flow counted, as far back as its checkpoints reach. */
  *#pieces({ id, firstUs, lastUs, totals }: Change): Generator<Piece> {
    const ends = [...this.#checkpoints.iterate(id), [bucketOf('minute', lastUs), ...totals]];
    const isWhole = bucketOf('minute', firstUs) > bucketOf('minute', lastUs) - MOST_PIECES * LEVELS.minute;
    let known: readonly number[] | undefined =
      isWhole || ends.length === 1 ? new Array(FLOW_COUNTERS).fill(0) : undefined;
    let flows = isWhole || ends.length === 1 ? 1 : 0;
    for (const [bucketUs, ...sums] of ends) {
      const from = known;
      if (from !== undefined) yield { bucketUs: bucketUs!, flows, counts: sums.map((sum, i) => sum - from[i]!) };
      if (from !== undefined) flows = 0;
      known = sums;
    }
  }

  #changeOf(id: number): Change | undefined {
    const known = this.#changes.get(id);
    if (known !== undefined) return known;
    const row = this.#find.get(id);
    if (row === undefined) return undefined;
    const change = new Change(row, id);
    this.#changes.set(id, change);
    return change;
  }

  #settle(settledUs: Us): void {
    let settled = 0;
    while (settled < Math.min(MOST_SETTLED, this.#ended.length) && this.#ended[settled]!.lastUs < settledUs) {
      this.#forget.run(this.#ended[settled++]!.id);
    }
    if (settled > 0) this.#ended = this.#ended.slice(settled);
  }
}

/** No flow that has checkpoints will be named any more. */
export function forgetCheckpoints(db: Sqlite): void {
  db.exec('DELETE FROM flow_checkpoint');
}
