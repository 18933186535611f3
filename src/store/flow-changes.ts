/** What a tick does to flows, as far as the counters by minute need to know. */
import type { Us } from '../core/time.ts';
import {
  addShare,
  type EndShare,
  endShare,
  FLOW_COUNTERS,
  type FlowPlace,
  type Piece,
  type ShareSink,
  sameShare,
  UNASKED,
} from './flow-share.ts';
import { bucketOf, LEVELS } from './rollup-tables.ts';
import { servicePort } from './service-port.ts';
import type { Sqlite, Statement } from './sqlite.ts';

/** Minutes of a flow that follow a name which comes late; what is older keeps the name it had. */
const MOST_PIECES = 64;
/** Checkpoints of ended flows that go in one tick at most: 2,000 take 10 ms. */
const MOST_SETTLED = 2000;
const TOTALS = ['orig_packets', 'orig_bytes', 'orig_ip_bytes', 'reply_packets', 'reply_bytes', 'reply_ip_bytes'];
const FIND = `SELECT first_us, last_us, end_reason, protocol, src_address, src_port, dst_address, dst_port,
  src_process, src_program, src_reason, dst_process, dst_program, dst_reason, ${TOTALS.join(', ')} FROM flow WHERE id = ?`;
const CHECKPOINT = `INSERT INTO flow_checkpoint (flow, bucket_us, ${TOTALS.join(', ')})
  VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

type Nullable = number | null;
type FlowRow = [Us, Us, Nullable, number, number, Nullable, number, Nullable, ...ends: Nullable[]];

/** A flow that a tick touches. A class: object spreads took three times as long, for each flow. */
class Change {
  readonly id: number; // row of `flow`
  readonly firstUs: Us;
  readonly place: FlowPlace;
  readonly isNew: boolean; // not in the counters yet
  readonly srcBefore: EndShare;
  readonly dstBefore: EndShare;
  src: EndShare; // after the tick
  dst: EndShare;
  srcProcessBefore: Nullable = null;
  srcProcess: Nullable = null;
  dstProcessBefore: Nullable = null;
  dstProcess: Nullable = null;
  isEnded = false;
  lastUs: Us;
  totals: readonly number[] = ZEROS; // [FLOW_COUNTERS]
  totalsBefore: readonly number[] = ZEROS; // of the database
  readonly added: Piece[] = []; // in this tick

  constructor(id: number, firstUs: Us, place: FlowPlace, isNew: boolean, src: EndShare, dst: EndShare) {
    this.id = id;
    this.firstUs = firstUs;
    this.place = place;
    this.isNew = isNew;
    this.srcBefore = src;
    this.dstBefore = dst;
    this.src = src;
    this.dst = dst;
    this.lastUs = firstUs;
  }
}

const ZEROS: readonly number[] = new Array(FLOW_COUNTERS).fill(0);

/**
 * Splits what flows count by the minutes in which they counted it, and moves it when an end is named anew. Where a flow
 * goes on into another minute, `flow_checkpoint` keeps its totals: the pieces of a flow are the differences of these.
 */
export class FlowChanges {
  readonly #changes = new Map<number, Change>();
  readonly #find: Statement<FlowRow>;
  readonly #checkpoint: Statement;
  readonly #checkpoints: Statement<number[]>;
  readonly #forgetOld: Statement;
  readonly #forget: Statement;
  readonly #settledUs: Us;
  #ended: { readonly id: number; readonly lastUs: Us }[] = []; // that have checkpoints, oldest first

  /** @param settledUs a flow that has ended so long ago is named no more, and never anew */
  constructor(db: Sqlite, settledUs: Us) {
    this.#settledUs = settledUs;
    this.#find = db.prepare(FIND).raw() as Statement<FlowRow>;
    this.#checkpoint = db.prepare(CHECKPOINT);
    this.#checkpoints = db
      .prepare(`SELECT bucket_us, ${TOTALS.join(', ')} FROM flow_checkpoint WHERE flow = ? ORDER BY bucket_us`)
      .raw() as Statement<number[]>;
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

  /** A flow that was just inserted. */
  begin(
    id: number,
    firstUs: Us,
    protocol: number,
    src: number,
    srcPort: Nullable,
    dst: number,
    dstPort: Nullable,
  ): void {
    const place = placeOf(protocol, src, srcPort, dst, dstPort);
    this.#changes.set(id, new Change(id, firstUs, place, true, UNASKED, UNASKED));
  }

  /** @param totals of the flow now, [FLOW_COUNTERS], counted by `lastUs` and after the row before */
  count(id: number, lastUs: Us, totals: readonly number[], isEnded: boolean): void {
    const change = this.#changes.get(id)!;
    const bucketUs = bucketOf('minute', lastUs);
    const lastBucketUs = bucketOf('minute', change.lastUs);
    const begins = change.isNew && change.added.length === 0;
    if (bucketUs > lastBucketUs && !begins) {
      this.#checkpoint.run(id, lastBucketUs, ...change.totals);
      this.#forgetOld.run(id, lastBucketUs - (MOST_PIECES - 1) * LEVELS.minute);
    }
    if (isEnded && bucketUs > bucketOf('minute', change.firstUs)) this.#ended.push({ id, lastUs });
    let piece = change.added.at(-1);
    if (piece?.bucketUs !== bucketUs) {
      piece = { bucketUs, flows: begins ? 1 : 0, counts: [0, 0, 0, 0, 0, 0] };
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
    if (side === 'src') change.srcProcess = process;
    else change.dstProcess = process;
  }

  /** Hands everything of the tick over. */
  take(sink: ShareSink, nowUs: Us): void {
    const settledUs = nowUs - this.#settledUs;
    for (const change of this.#changes.values()) {
      shareWithProcess(sink, change, change.srcProcessBefore, change.srcProcess, ORIG_IP_BYTES, REPLY_IP_BYTES);
      shareWithProcess(sink, change, change.dstProcessBefore, change.dstProcess, REPLY_IP_BYTES, ORIG_IP_BYTES);
      const isSettled = change.isEnded && change.lastUs < settledUs;
      if (isSettled && !change.isNew) {
        change.src = change.srcBefore;
        change.dst = change.dstBefore;
      }
      this.#share(change, sink);
    }
    this.#changes.clear();
    this.#settle(settledUs);
  }

  /** What was collected is of a transaction that came to nothing. */
  rollback(): void {
    this.#changes.clear();
  }

  #share(change: Change, sink: ShareSink): void {
    const { place, added, isNew, src, dst } = change;
    const srcBefore = isNew ? src : change.srcBefore;
    const dstBefore = isNew ? dst : change.dstBefore;
    for (const piece of added) addShare(sink, place, srcBefore, dstBefore, piece, 1);
    if (sameShare(srcBefore, src) && sameShare(dstBefore, dst)) return;
    for (const piece of this.#pieces(change)) {
      addShare(sink, place, srcBefore, dstBefore, piece, -1);
      addShare(sink, place, src, dst, piece, 1);
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
    const [firstUs, lastUs, endReason, protocol, src, srcPort, dst, dstPort, ...rest] = row;
    const srcBefore = endShare(rest[0]!, rest[1]!, rest[2]!);
    const dstBefore = endShare(rest[3]!, rest[4]!, rest[5]!);
    const place = placeOf(protocol, src, srcPort, dst, dstPort);
    const change = new Change(id, firstUs, place, false, srcBefore, dstBefore);
    change.isEnded = endReason !== null;
    change.lastUs = lastUs;
    change.totals = rest.slice(6) as number[];
    change.totalsBefore = change.totals;
    change.srcProcess = change.srcProcessBefore = rest[0]!;
    change.dstProcess = change.dstProcessBefore = rest[3]!;
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

function placeOf(protocol: number, src: number, srcPort: Nullable, dst: number, dstPort: Nullable): FlowPlace {
  return { protocol, srcAddress: src, dstAddress: dst, servicePort: servicePort(protocol, srcPort, dstPort) ?? 0 };
}

const [ORIG_IP_BYTES, REPLY_IP_BYTES] = [2, 5]; // in TOTALS
const PROCESS_SUMS = [0, 0, 0]; // of one call

/** Whole flows, as rows of `flow` name their ends: what another process has now is taken from the one before. */
function shareWithProcess(
  sink: ShareSink,
  { isNew, totals, totalsBefore, lastUs }: Change,
  before: Nullable,
  after: Nullable,
  sent: number,
  received: number,
): void {
  const isSame = before === after && !isNew;
  const sums = PROCESS_SUMS;
  if (before !== null && !isSame) {
    sums[0] = -1;
    sums[1] = -totalsBefore[sent]!;
    sums[2] = -totalsBefore[received]!;
    sink.process(before, sums, lastUs);
  }
  if (after === null) return;
  sums[0] = isSame ? 0 : 1;
  sums[1] = totals[sent]! - (isSame ? totalsBefore[sent]! : 0);
  sums[2] = totals[received]! - (isSame ? totalsBefore[received]! : 0);
  sink.process(after, sums, lastUs);
}

/** No flow that has checkpoints will be named any more. */
export function forgetCheckpoints(db: Sqlite): void {
  db.exec('DELETE FROM flow_checkpoint');
}
