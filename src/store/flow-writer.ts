import { type EndColumns, FlowSide } from '../core/attribution.ts';
import { type FlowColumns, FlowFlag } from '../core/flow.ts';
import { PacketType } from '../core/packet.ts';
import type { Us } from '../core/time.ts';
import { K_FIRST, K_META, K_SECOND, KEY_WORDS, keyFirstPort, keyProtocol, keySecondPort } from '../core/tuple.ts';
import type { AddressTable } from './address-table.ts';
import type { FlowChanges } from './flow-changes.ts';
import { endShare, placeOf } from './flow-share.ts';
import type { IdMap } from './id-map.ts';
import type { NetnsTable } from './netns-table.ts';
import { portOrNull } from './ports.ts';
import type { Sqlite, Statement } from './sqlite.ts';

const COUNTERS = [
  'orig_packets',
  'orig_bytes',
  'orig_ip_bytes',
  'reply_packets',
  'reply_bytes',
  'reply_ip_bytes',
  'duplicate_packets',
  'duplicate_bytes',
];
const CHANGING = ['last_us', 'end_reason', ...COUNTERS];
const FIXED = ['id', 'capture', 'netns', 'protocol', 'src_address', 'src_port', 'dst_address', 'dst_port'];
const endColumns = (side: 'src' | 'dst') =>
  ['process', 'program', 'socket', 'netns', 'source', 'match', 'reason', 'gap_us', 'holders'].map(
    (name) => `${side}_${name}`,
  );
const INSERTED = [
  ...[...FIXED, 'ifindex', 'packet_type', 'first_us', ...CHANGING],
  ...endColumns('src'),
  ...endColumns('dst'),
];

const INSERT = `INSERT INTO flow (${INSERTED.join(', ')}) VALUES (${INSERTED.map(() => '?').join(', ')})
  ON CONFLICT (id) DO NOTHING`;
const UPDATE = `UPDATE flow SET ${CHANGING.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`;

const UPDATE_NAT = `UPDATE flow SET nat_src_address = ?, nat_src_port = ?, nat_dst_address = ?, nat_dst_port = ?
  WHERE id = ?`;

const updateEnd = (side: 'src' | 'dst') =>
  `UPDATE flow SET ${endColumns(side)
    .map((name) => `${name} = ?`)
    .join(', ')} WHERE id = ?`;

type Values = (number | null)[];
/** Places of `process`, `program` and `reason` in endColumns(), and how many these are. */
const [PROCESS, PROGRAM, REASON, END_LENGTH] = [0, 1, 6, endColumns('src').length];
/** Places of the columns of the ends in INSERTED. */
const [SRC_END, DST_END] = [INSERTED.length - 2 * END_LENGTH, INSERTED.length - END_LENGTH];

/** Rows that the ends of flows point at. */
export interface EndRows {
  readonly processes: IdMap;
  readonly programs: IdMap;
  readonly sockets: IdMap;
  /** A packet of the process in this row passed. */
  seenAt(process: number, us: Us): void;
}

/** What flows of one capture have in common. */
export interface CaptureRows {
  readonly id: number;
  readonly flowBase: number; // serial 1 gets row flowBase + 1
  readonly netns: NetnsTable;
  readonly netnsRow: number | null; // namespace of the sightings
}

/** Writes flows and their ends. A flow's row id is the capture's base plus its serial. */
export class FlowWriter {
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #updateNat: Statement;
  readonly #updateSrc: Statement;
  readonly #updateDst: Statement;
  readonly #addresses: AddressTable;
  readonly #rows: EndRows;
  readonly #capture: CaptureRows;
  readonly #programOf: Statement<number>;
  readonly #changes: FlowChanges;
  readonly #endAt = new Map<number, number>(); // endKey() -> index of the last end of the tick
  #isWritten = new Uint8Array(); // [ends of the tick] 1: with the row of its flow
  readonly #row: Values = new Array(INSERTED.length).fill(null); // filled anew for each flow: arrays cost more than their values
  readonly #end: Values = new Array(END_LENGTH + 1).fill(null); // and the flow's row
  longestUs = 0; // longest span of a flow of this capture

  constructor(db: Sqlite, addresses: AddressTable, rows: EndRows, capture: CaptureRows, changes: FlowChanges) {
    this.#insert = db.prepare(INSERT);
    this.#update = db.prepare(UPDATE);
    this.#updateNat = db.prepare(UPDATE_NAT);
    this.#updateSrc = db.prepare(updateEnd('src'));
    this.#updateDst = db.prepare(updateEnd('dst'));
    this.#programOf = db.prepare('SELECT program FROM process WHERE id = ?').pluck() as Statement<number>;
    this.#changes = changes;
    this.#addresses = addresses;
    this.#rows = rows;
    this.#capture = capture;
  }

  /** An end of a flow that begins in the same tick is a part of its row at once: one statement instead of three. */
  write(flows: FlowColumns, ends: EndColumns, nowUs: Us): void {
    this.#endAt.clear();
    this.#isWritten = new Uint8Array(ends.count);
    for (let i = 0; i < ends.count; i++) this.#endAt.set(endKey(ends.serial[i]!, ends.side[i]!), i);
    this.#writeFlows(flows, ends, nowUs);
    for (let i = 0; i < ends.count; i++) {
      if (this.#isWritten[i] !== 0 || this.#endAt.get(endKey(ends.serial[i]!, ends.side[i]!)) !== i) continue;
      this.#updateEnd(ends, i, nowUs);
    }
  }

  #writeFlows(flows: FlowColumns, ends: EndColumns, nowUs: Us): void {
    for (let i = 0; i < flows.count; i++) {
      this.longestUs = Math.max(this.longestUs, flows.lastUs[i]! - flows.firstUs[i]!);
      // A flow whose first row never arrived here is inserted late: its columns are totals, nothing is missing.
      const id = this.#capture.flowBase + flows.serial[i]!;
      const isInserted =
        ((flows.flags[i]! & FlowFlag.New) !== 0 || !this.#changes.has(id)) && this.#insertRow(flows, i, ends, nowUs);
      if (!isInserted) {
        if (flows.lastUs[i]! < this.#changes.lastUs(id)) continue; // of a tick that comes a second time
        const totals = totalsOf(flows, i);
        this.#updateRow(flows, i, totals);
        this.#changes.count(id, flows.lastUs[i]!, totals, (flows.flags[i]! & FlowFlag.Ended) !== 0);
      }
      if (flows.natKey[i * KEY_WORDS + K_META] !== 0) this.#writeNat(flows, i);
    }
  }

  #updateRow(f: FlowColumns, i: number, totals: readonly number[]): void {
    this.#update.run(
      f.lastUs[i]!,
      f.endReason[i]! || null,
      ...totals,
      f.duplicatePackets[i]!,
      f.duplicateBytes[i]!,
      this.#capture.flowBase + f.serial[i]!,
    );
  }

  /** @returns whether it was not there */
  #insertRow(f: FlowColumns, i: number, ends: EndColumns, nowUs: Us): boolean {
    const at = i * KEY_WORDS;
    const id = this.#capture.flowBase + f.serial[i]!;
    const protocol = keyProtocol(f.key, at);
    const firstUs = f.firstUs[i]!;
    const src = this.#addresses.row(f.key, at + K_FIRST, firstUs);
    const srcPort = portOrNull(protocol, keyFirstPort(f.key, at));
    const dst = this.#addresses.row(f.key, at + K_SECOND, firstUs);
    const dstPort = portOrNull(protocol, keySecondPort(f.key, at));
    const row = this.#row;
    row[0] = id;
    row[1] = this.#capture.id;
    row[2] = this.#capture.netns.rowOrNull(f.netns[i]!, firstUs) ?? this.#capture.netnsRow;
    row[3] = protocol;
    row[4] = src;
    row[5] = srcPort;
    row[6] = dst;
    row[7] = dstPort;
    row[8] = f.ifindex[i]! || null;
    row[9] = f.pktType[i] === PacketType.Unknown ? null : f.pktType[i]!;
    row[10] = firstUs;
    row[11] = f.lastUs[i]!;
    row[12] = f.endReason[i]! || null;
    row[13] = f.origPackets[i]!;
    row[14] = f.origBytes[i]!;
    row[15] = f.origIpBytes[i]!;
    row[16] = f.replyPackets[i]!;
    row[17] = f.replyBytes[i]!;
    row[18] = f.replyIpBytes[i]!;
    row[19] = f.duplicatePackets[i]!;
    row[20] = f.duplicateBytes[i]!;
    const srcEnd = this.#endAt.get(endKey(f.serial[i]!, FlowSide.Src));
    const dstEnd = this.#endAt.get(endKey(f.serial[i]!, FlowSide.Dst));
    this.#fillEnd(row, SRC_END, ends, srcEnd, firstUs, nowUs);
    this.#fillEnd(row, DST_END, ends, dstEnd, firstUs, nowUs);
    if (this.#insert.run(...row).changes === 0) return false;
    const place = placeOf(protocol, src, srcPort, dst, dstPort);
    const srcShare = endShare(row[SRC_END + PROCESS]!, row[SRC_END + PROGRAM]!, row[SRC_END + REASON]!);
    const dstShare = endShare(row[DST_END + PROCESS]!, row[DST_END + PROGRAM]!, row[DST_END + REASON]!);
    const processes = { src: row[SRC_END + PROCESS]!, dst: row[DST_END + PROCESS]! };
    this.#changes.begin(place, srcShare, dstShare, processes, f.lastUs[i]!, totalsOf(f, i));
    if (srcEnd !== undefined) this.#isWritten[srcEnd] = 1;
    if (dstEnd !== undefined) this.#isWritten[dstEnd] = 1;
    return true;
  }

  #writeNat(f: FlowColumns, i: number): void {
    const at = i * KEY_WORDS;
    const protocol = keyProtocol(f.natKey, at);
    this.#updateNat.run(
      this.#addresses.row(f.natKey, at + K_FIRST, f.firstUs[i]!),
      portOrNull(protocol, keyFirstPort(f.natKey, at)),
      this.#addresses.row(f.natKey, at + K_SECOND, f.firstUs[i]!),
      portOrNull(protocol, keySecondPort(f.natKey, at)),
      this.#capture.flowBase + f.serial[i]!,
    );
  }

  #updateEnd(e: EndColumns, i: number, nowUs: Us): void {
    const values = this.#end;
    const id = this.#capture.flowBase + e.serial[i]!;
    this.#fillEnd(values, 0, e, i, this.#changes.firstUs(id), nowUs);
    values[END_LENGTH] = id;
    const side = e.side[i] === FlowSide.Src ? 'src' : 'dst';
    this.#changes.name(id, side, values[PROCESS]!, values[PROGRAM]!, values[REASON]!);
    (side === 'src' ? this.#updateSrc : this.#updateDst).run(...values);
  }

  /** Writes the end in row `i` (undefined: not looked up) of a flow that began at `firstUs` to `values[at]` and behind. */
  #fillEnd(values: Values, at: number, e: EndColumns, i: number | undefined, firstUs: Us, nowUs: Us): void {
    if (i === undefined) {
      values.fill(null, at, at + END_LENGTH);
      return;
    }
    const process = this.#rows.processes.rowOrNull(e.process[i]!);
    const hasEvidence = e.match[i] !== 0;
    if (process !== null) this.#rows.seenAt(process, firstUs);
    values[at] = process;
    values[at + 1] = this.#rows.programs.rowOrNull(e.program[i]!) ?? this.#ownProgram(process);
    values[at + 2] = this.#rows.sockets.rowOrNull(e.socket[i]!);
    values[at + 3] = this.#capture.netns.rowOrNull(e.netns[i]!, nowUs);
    values[at + 4] = e.source[i]! || null;
    values[at + 5] = e.match[i]! || null;
    values[at + 6] = e.reason[i]! || null;
    values[at + 7] = hasEvidence ? e.gapUs[i]! : null;
    values[at + 8] = hasEvidence ? e.holders[i]! : null;
  }

  /** Whoever names a process names its program: an end found by its process is found by its program too. */
  #ownProgram(process: number | null): number | null {
    return process === null ? null : (this.#programOf.get(process) ?? null);
  }
}

const endKey = (serial: number, side: number): number => serial * 2 + (side === FlowSide.Src ? 0 : 1);

/** In the order of the columns. */
function totalsOf(f: FlowColumns, i: number): readonly number[] {
  return [
    f.origPackets[i]!,
    f.origBytes[i]!,
    f.origIpBytes[i]!,
    f.replyPackets[i]!,
    f.replyBytes[i]!,
    f.replyIpBytes[i]!,
  ];
}
