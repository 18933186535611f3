import { type EndColumns, FlowSide } from '../core/attribution.ts';
import { type FlowColumns, FlowFlag } from '../core/flow.ts';
import { PacketType } from '../core/packet.ts';
import { K_FIRST, K_META, K_SECOND, KEY_WORDS, keyFirstPort, keyProtocol, keySecondPort } from '../core/tuple.ts';
import type { AddressTable } from './address-table.ts';
import type { FlowChanges } from './flow-changes.ts';
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
const INSERTED = [...FIXED, 'ifindex', 'packet_type', 'first_us', ...CHANGING];

const INSERT = `INSERT INTO flow (${INSERTED.join(', ')}) VALUES (${INSERTED.map(() => '?').join(', ')})
  ON CONFLICT (id) DO NOTHING`;
const UPDATE = `UPDATE flow SET ${CHANGING.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`;

const UPDATE_NAT = `UPDATE flow SET nat_src_address = ?, nat_src_port = ?, nat_dst_address = ?, nat_dst_port = ?
  WHERE id = ?`;

const updateEnd = (side: 'src' | 'dst') => `UPDATE flow SET ${side}_process = ?, ${side}_program = ?,
  ${side}_socket = ?, ${side}_netns = ?, ${side}_source = ?, ${side}_match = ?, ${side}_reason = ?, ${side}_gap_us = ?, ${side}_holders = ? WHERE id = ?`;

/** Rows that the ends of flows point at. */
export interface EndRows {
  readonly processes: IdMap;
  readonly programs: IdMap;
  readonly sockets: IdMap;
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

  write(flows: FlowColumns): void {
    for (let i = 0; i < flows.count; i++) {
      this.longestUs = Math.max(this.longestUs, flows.lastUs[i]! - flows.firstUs[i]!);
      // A flow whose first row never arrived here is inserted late: its columns are totals, nothing is missing.
      const id = this.#capture.flowBase + flows.serial[i]!;
      const isInserted =
        ((flows.flags[i]! & FlowFlag.New) !== 0 || !this.#changes.has(id)) && this.#insertRow(flows, i);
      if (!isInserted) {
        if (flows.lastUs[i]! < this.#changes.lastUs(id)) continue; // of a tick that comes a second time
        this.#updateRow(flows, i);
      }
      const totals = totalsOf(flows, i);
      this.#changes.count(id, flows.lastUs[i]!, totals, (flows.flags[i]! & FlowFlag.Ended) !== 0);
      if (flows.natKey[i * KEY_WORDS + K_META] !== 0) this.#writeNat(flows, i);
    }
  }

  #updateRow(f: FlowColumns, i: number): void {
    this.#update.run(
      f.lastUs[i]!,
      f.endReason[i]! || null,
      ...totalsOf(f, i),
      f.duplicatePackets[i]!,
      f.duplicateBytes[i]!,
      this.#capture.flowBase + f.serial[i]!,
    );
  }

  /** @returns whether it was not there */
  #insertRow(f: FlowColumns, i: number): boolean {
    const at = i * KEY_WORDS;
    const id = this.#capture.flowBase + f.serial[i]!;
    const protocol = keyProtocol(f.key, at);
    const firstUs = f.firstUs[i]!;
    const src = [
      this.#addresses.row(f.key, at + K_FIRST, firstUs),
      portOrNull(protocol, keyFirstPort(f.key, at)),
    ] as const;
    const dst = [
      this.#addresses.row(f.key, at + K_SECOND, firstUs),
      portOrNull(protocol, keySecondPort(f.key, at)),
    ] as const;
    const { changes } = this.#insert.run(
      id,
      this.#capture.id,
      this.#capture.netns.rowOrNull(f.netns[i]!, f.firstUs[i]!) ?? this.#capture.netnsRow,
      protocol,
      ...src,
      ...dst,
      f.ifindex[i]! || null,
      f.pktType[i] === PacketType.Unknown ? null : f.pktType[i]!,
      f.firstUs[i]!,
      f.lastUs[i]!,
      f.endReason[i]! || null,
      ...totalsOf(f, i),
      f.duplicatePackets[i]!,
      f.duplicateBytes[i]!,
    );
    if (changes !== 0) this.#changes.begin(id, f.firstUs[i]!, protocol, src, dst);
    return changes !== 0;
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

  writeEnds(e: EndColumns, nowUs: number): void {
    for (let i = 0; i < e.count; i++) {
      const process = this.#rows.processes.rowOrNull(e.process[i]!);
      const program = this.#rows.programs.rowOrNull(e.program[i]!) ?? this.#ownProgram(process);
      const hasEvidence = e.match[i] !== 0;
      const id = this.#capture.flowBase + e.serial[i]!;
      const side = e.side[i] === FlowSide.Src ? 'src' : 'dst';
      this.#changes.name(id, side, process, program, e.reason[i]! || null);
      const update = side === 'src' ? this.#updateSrc : this.#updateDst;
      update.run(
        process,
        program,
        this.#rows.sockets.rowOrNull(e.socket[i]!),
        this.#capture.netns.rowOrNull(e.netns[i]!, nowUs),
        e.source[i]! || null,
        e.match[i]! || null,
        e.reason[i]! || null,
        hasEvidence ? e.gapUs[i]! : null,
        hasEvidence ? e.holders[i]! : null,
        id,
      );
    }
  }

  /** Whoever names a process names its program: an end found by its process is found by its program too. */
  #ownProgram(process: number | null): number | null {
    return process === null ? null : (this.#programOf.get(process) ?? null);
  }
}

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
