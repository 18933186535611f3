/** Packets to bidirectional flows, RFC 5103. */
import type { DecodedBatch } from '../core/decoded.ts';
import type { FastPath } from '../core/fast-path.ts';
import type { FlowColumns, FreshColumns } from '../core/flow.ts';
import type { PacketBatch } from '../core/packet.ts';
import type { SocketEventColumns } from '../core/socket.ts';
import type { Us } from '../core/time.ts';
import type { TranslationColumns } from '../core/translation.ts';
import { K_META, KEY_WORDS } from '../core/tuple.ts';
import { Aliases } from './aliases.ts';
import type { FlowLimits } from './deadlines.ts';
import type { FlowCounts } from './flow-counts.ts';
import { ENTRY_SHIFT, NONE } from './flow-entries.ts';
import { findKey } from './flow-index.ts';
import { hashKey } from './flow-key.ts';
import { FlowLife } from './flow-life.ts';
import { OldestPacket } from './oldest-packet.ts';
import { PacketCount } from './packet-count.ts';

/** Time in which a flow looks at its time-outs, and moves in its activity list, only once. */
const EPOCH_US = 5_000_000;
/** The same where rows of living flows are not asked for: nobody waits to hear of a time-out either. */
const LONG_EPOCH_US = 30_000_000;

export interface FlowTableOptions extends Partial<FlowLimits> {
  readonly fresh?: boolean; // collect new flows for takeFresh()
  readonly seed?: number; // of the hash; random, so that senders cannot choose collisions
  readonly fast?: FastPath | undefined; // counts most packets, several times as fast
  readonly netnsInode?: (index: number) => number; // of the namespace with an index (PacketBatch.netns), 0: not known
  readonly netnsIndex?: (inode: number) => number; // of its inode, -1: nothing is captured there; 0 for inode 0
}

const DEFAULTS: FlowLimits = {
  capacity: 262_144,
  idleTcpUs: 300e6,
  idleOtherUs: 60e6,
  activeUs: 3600e6,
  lingerUs: 60e6,
  longLivedUs: 5e6,
  byMinute: false,
  mostRows: 344_064, // 64 MB: what is kept while the store stands still
};

/** A bounded table of flows. Per packet it costs one look-up and nothing is allocated. */
export class FlowTable {
  readonly #life: FlowLife;
  readonly #aliases: Aliases;
  readonly #seed: number;
  readonly #netnsIndex: (inode: number) => number;
  readonly #count: PacketCount;
  readonly #oldest = new OldestPacket();

  constructor(options: FlowTableOptions = {}) {
    const limits: FlowLimits = { ...DEFAULTS, ...options };
    if (!(limits.capacity > 0)) throw new RangeError(`capacity must be positive, got ${limits.capacity}`);
    const mostUs = limits.longLivedUs === Infinity ? LONG_EPOCH_US : EPOCH_US;
    const epochUs = Math.min(mostUs, limits.idleTcpUs, limits.idleOtherUs, limits.activeUs, limits.lingerUs);
    this.#seed = options.seed ?? (Math.random() * 2 ** 32) | 0;
    this.#netnsIndex = options.netnsIndex ?? (() => 0);
    this.#life = new FlowLife({
      ...limits,
      fresh: options.fresh === true,
      seed: this.#seed,
      severalNetns: options.netnsInode !== undefined,
      netnsInode: options.netnsInode ?? (() => 0),
      netnsIndex: this.#netnsIndex,
    });
    this.#aliases = new Aliases(this.#life.entries);
    this.#count = new PacketCount(this.#life, this.#seed, epochUs, options.fast);
  }

  get counts(): FlowCounts {
    const { duplicates } = this.#life.rows;
    const { packets, bytes, ipBytes } = this.#count;
    return {
      packets,
      bytes,
      ipBytes,
      duplicatePackets: duplicates.packets,
      duplicateBytes: duplicates.bytes,
      flows: this.#life.serial,
      evicted: this.#life.evicted,
      lost: this.#life.rows.lost,
      late: this.#life.sockets.late,
    };
  }

  /**
   * Counts the Ok packets of a batch.
   * @param offsetUs realtime minus boottime; 0 for a file, whose packet time is the only clock
   * @param nowBootUs boottime now: packets cannot be later, nor much earlier than the batch before, so a step of the
   *   clock between two samples of `offsetUs` neither ends nor stretches a flow by more than a second. Infinity for a file
   */
  add(batch: PacketBatch, decoded: DecodedBatch, offsetUs: Us, nowBootUs: Us): void {
    this.#count.add(batch, decoded, offsetUs, this.#oldest.of(offsetUs, nowBootUs), nowBootUs);
  }

  /**
   * Takes what the kernel told about sockets, before add() of the packets that were read just before: an event is in its
   * ring earlier than the packet that it concerns, or microseconds later. Keys have namespace index 0.
   */
  noteSockets(events: SocketEventColumns): void {
    this.#life.handovers.remember();
    this.#life.sockets.note(events);
  }

  /** Forgets the events, after 2 s, whose packets did not come. Call it now and then. */
  settleSockets(): void {
    this.#life.sockets.expire();
  }

  /**
   * Takes what is known of address translation: packets of a translated tuple are counted in the flow of its original,
   * whose rows tell both. Flows that began with a translation keep it when that ends.
   *
   * @param netns inode of the namespace that translates
   */
  noteTranslations(translations: TranslationColumns, netns: number): void {
    const index = this.#netnsIndex(netns);
    if (index < 0) return;
    const { count, original, translated, ended } = translations;
    const [from, to] = [new Int32Array(KEY_WORDS), new Int32Array(KEY_WORDS)];
    for (let i = 0; i < count; i++) {
      copyKey(original, i * KEY_WORDS, index, from);
      copyKey(translated, i * KEY_WORDS, index, to);
      if (ended[i] === 1) this.#life.entrance.nat.delete(from);
      else this.#life.translate(from, to);
    }
  }

  /** Flows that began since the last call, in order; undefined when none did. The caller may transfer the buffers. */
  takeFresh(): FreshColumns | undefined {
    return this.#life.fresh.take();
  }

  /**
   * Ends idle and long flows and returns the rows that are due: flows that are new, have ended, changed after their
   * end, or live, changed and were not sent for `longLivedUs`. Costs nothing for flows that did not change.
   *
   * @param nowBootUs Infinity for a file: the largest packet time is now
   */
  drain(nowBootUs: Us): FlowColumns {
    const now = this.#now(nowBootUs);
    this.#life.end('over', now, Infinity);
    return this.#life.drain(now);
  }

  /**
   * Ends up to `most` idle flows and returns the rows of flows that are over: each flow has one row, if drain() is never
   * called before.
   */
  takeEnded(nowBootUs: Us, most: number): FlowColumns {
    this.#life.end('over', this.#now(nowBootUs), most);
    return this.#life.rows.take();
  }

  /**
   * Ends all flows, what still lives as `forced`, and returns all rows that are owed. The table is empty afterwards, if
   * it held at most `most` flows: else call it again, until no rows come.
   */
  flush(nowBootUs: Us, most = Infinity): FlowColumns {
    this.#life.end('all', this.#now(nowBootUs), most);
    return this.#life.rows.take();
  }

  /** Serial of the flow that counts packets of the tuple at `key[at]`, negative in its reply direction; 0: there is none. */
  flowOf(key: Int32Array, at: number): number {
    const { index, entries } = this.#life;
    const way = findKey(index.pairs, index.mask, entries.words, ENTRY_SHIFT, hashKey(key, at, this.#seed), key, at);
    if (way === NONE) return 0;
    return entries.serial[this.#aliases.flowOf(way >> 1)]! * (1 - 2 * (way & 1));
  }

  /** Takes rows of an earlier call back, for the next one. */
  giveBack(rows: FlowColumns): void {
    this.#life.rows.giveBack(rows);
  }

  #now(nowBootUs: Us): Us {
    return nowBootUs === Infinity ? this.#count.latestBootUs : nowBootUs;
  }
}

/** Keys of facts have no namespace, those of the table have its index. */
function copyKey(key: Int32Array, at: number, netns: number, out: Int32Array): void {
  for (let w = 0; w < KEY_WORDS; w++) out[w] = key[at + w]!;
  out[K_META]! |= netns << 16;
}
