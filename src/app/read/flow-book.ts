import { type Answer, unknown } from '../../attribution/attribute.ts';
import { formatAddress } from '../../core/address.ts';
import { confidence } from '../../core/attribution.ts';
import { type ColumnSpec, createColumns, pushRow } from '../../core/columns.ts';
import { FLOW_COLUMNS, FLOW_END_REASONS, type FlowColumns } from '../../core/flow.ts';
import type { FoundNames } from '../../core/name.ts';
import type { Process } from '../../core/process.ts';
import type { FlowRecord, Value } from '../../core/record.ts';
import { NO_UID } from '../../core/socket.ts';
import {
  K_FIRST,
  K_SECOND,
  KEY_WORDS,
  keyFirstPort,
  keyProtocol,
  keySecondPort,
  protocolName,
} from '../../core/tuple.ts';
import { commandLine } from '../../store/command-line.ts';
import { portOrNull } from '../../store/ports.ts';
import { NameLog } from '../record/name-log.ts';
import { type EndName, NameBook } from './name-book.ts';

const NOT_ASKED: Answer = { ...unknown('no-socket'), reason: null };

/** Flows of a file with their owners, in memory: the latest row of each, for who prints without storing. */
export class FlowBook {
  readonly #rows: FlowColumns = createColumns(FLOW_COLUMNS);
  readonly #answers = new Map<number, Answer>(); // 2 * serial + side
  readonly #userName: (uid: number) => string | null;
  readonly #interfaceName: (ifindex: number) => string | null;
  readonly #log = new NameLog();
  readonly #names = new NameBook();
  readonly #processes = new Map<Process, number>(); // numbers that the names know them by

  constructor(
    userName: (uid: number) => string | null,
    interfaceName: (ifindex: number) => string | null = () => null,
  ) {
    this.#userName = userName;
    this.#interfaceName = interfaceName;
  }

  get flows(): number {
    return this.#rows.count;
  }

  /** Names that had no room here. */
  get namesLost(): number {
    return this.#names.lost;
  }

  /** Serials count from 1, so the row of a flow is its serial minus 1. */
  addFlows(flows: FlowColumns): void {
    this.#names.add(this.#log.take(true));
    for (let i = 0; i < flows.count; i++) {
      const row = flows.serial[i]! - 1;
      while (this.#rows.count <= row) pushRow(this.#rows);
      for (const name of Object.keys(FLOW_COLUMNS satisfies ColumnSpec) as (keyof typeof FLOW_COLUMNS)[]) {
        if (name === 'key') this.#rows.key.set(flows.key.subarray(i * KEY_WORDS, (i + 1) * KEY_WORDS), row * KEY_WORDS);
        else this.#rows[name][row] = flows[name][i]!;
      }
    }
  }

  addAnswer(serial: number, side: number, answer: Answer): void {
    this.#answers.set(serial * 2 + side, answer);
    this.#log.answer(serial, side, this.#processId(answer));
  }

  /** @param flows whose ends will be answered, when `named` */
  addNames(found: FoundNames, flows: FlowColumns, named: boolean): void {
    if (named) this.#log.watch(flows);
    this.#log.add(found);
  }

  /** Totals over all flows; a flow is named when a process stands at any of its ends. */
  totals(): { flows: number; packets: number; ipBytes: number; namedFlows: number; namedIpBytes: number } {
    const totals = { flows: 0, packets: 0, ipBytes: 0, namedFlows: 0, namedIpBytes: 0 };
    const rows = this.#rows;
    for (let row = 0; row < rows.count; row++) {
      const ipBytes = rows.origIpBytes[row]! + rows.replyIpBytes[row]!;
      totals.flows++;
      totals.packets += rows.origPackets[row]! + rows.replyPackets[row]!;
      totals.ipBytes += ipBytes;
      if (this.#answer(row, 0).process === null && this.#answer(row, 1).process === null) continue;
      totals.namedFlows++;
      totals.namedIpBytes += ipBytes;
    }
    return totals;
  }

  /** Records in order of their first packet. */
  *records(): Generator<FlowRecord> {
    for (let row = 0; row < this.#rows.count; row++) yield this.#record(row);
  }

  /** Those of some flows, by serial. */
  *recordsOf(serials: Iterable<number>): Generator<FlowRecord> {
    for (const serial of serials) yield this.#record(serial - 1);
  }

  #answer(row: number, side: number): Answer {
    return this.#answers.get((row + 1) * 2 + side) ?? NOT_ASKED;
  }

  #processId({ process }: Answer): number {
    if (process === null) return 0;
    const id = this.#processes.get(process) ?? this.#processes.size + 1;
    this.#processes.set(process, id);
    return id;
  }

  #record(row: number): FlowRecord {
    const { key, ...rows } = this.#rows;
    const at = row * KEY_WORDS;
    const protocol = keyProtocol(key, at);
    return {
      flow_id: row + 1,
      host: null,
      netns: null,
      interface: this.#interfaceName(rows.ifindex[row]!),
      protocol: protocolName(protocol),
      src_addr: formatAddress(key, at + K_FIRST),
      src_port: portOrNull(protocol, keyFirstPort(key, at)),
      dst_addr: formatAddress(key, at + K_SECOND),
      dst_port: portOrNull(protocol, keySecondPort(key, at)),
      nat_src_addr: null,
      nat_src_port: null,
      nat_dst_addr: null,
      nat_dst_port: null,
      first_us: rows.firstUs[row]!,
      last_us: rows.lastUs[row]!,
      end_reason: FLOW_END_REASONS[rows.endReason[row]!] ?? null,
      orig_packets: rows.origPackets[row]!,
      orig_bytes: rows.origBytes[row]!,
      orig_ip_bytes: rows.origIpBytes[row]!,
      reply_packets: rows.replyPackets[row]!,
      reply_bytes: rows.replyBytes[row]!,
      reply_ip_bytes: rows.replyIpBytes[row]!,
      ...this.#end('src', this.#answer(row, 0), this.#nameOf(row, 0)),
      ...this.#end('dst', this.#answer(row, 1), this.#nameOf(row, 1)),
    } as FlowRecord;
  }

  #nameOf(row: number, side: number): EndName | undefined {
    const { key, firstUs, lastUs } = this.#rows;
    return this.#names.of({
      serial: row + 1,
      side,
      address: formatAddress(key, row * KEY_WORDS + (side === 0 ? K_FIRST : K_SECOND)),
      peer: this.#processId(this.#answer(row, 1 - side)),
      firstUs: firstUs[row]!,
      lastUs: lastUs[row]!,
    });
  }

  #end(
    side: 'src' | 'dst',
    { process, program, evidence, reason }: Answer,
    name: EndName | undefined,
  ): Record<string, Value> {
    const uid = (process?.uid === NO_UID ? null : process?.uid) ?? program?.uid ?? null;
    const fields: Record<string, Value> = {
      netns: process?.netns || null,
      pid: process?.pid ?? null,
      comm: process?.comm || null, // '': a capture file gave only the pid
      exe: process?.exe ?? program?.exe ?? null,
      cmdline: process?.argv ? commandLine(process.argv) : null,
      uid,
      user: uid === null ? null : this.#userName(uid),
      unit: program?.unit ?? null,
      container: program?.container ?? null,
      name: name?.text ?? null,
      source: evidence?.source ?? null,
      match: evidence?.match ?? null,
      confidence: confidence(evidence, reason, process !== null),
      reason,
      gap_us: evidence?.gapUs ?? null,
      holders: evidence?.holders ?? null,
      name_source: name?.source ?? null,
    };
    return Object.fromEntries(Object.entries(fields).map(([name, value]) => [`${side}_${name}`, value]));
  }
}
