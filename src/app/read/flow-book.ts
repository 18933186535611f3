import { answerFields } from '../../attribution/answer-fields.ts';
import { type Answer, NOT_ASKED } from '../../attribution/attribute.ts';
import { formatAddress } from '../../core/address.ts';
import { type Columns, createColumns } from '../../core/columns.ts';
import { FLOW_END_REASONS, type FlowColumns } from '../../core/flow.ts';
import type { FoundNames } from '../../core/name.ts';
import type { Process } from '../../core/process.ts';
import type { FlowRecord, Value } from '../../core/record.ts';
import {
  K_FIRST,
  K_SECOND,
  KEY_WORDS,
  keyFirstPort,
  keyProtocol,
  keySecondPort,
  protocolName,
} from '../../core/tuple.ts';
import { portOrNull } from '../../store/ports.ts';
import { NameLog } from '../record/name-log.ts';
import { type EndName, NameBook } from './name-book.ts';

/** What records say of a flow. */
const BOOK_COLUMNS = {
  key: 'key',
  firstUs: 'f64',
  lastUs: 'f64',
  origPackets: 'f64',
  origBytes: 'f64',
  origIpBytes: 'f64',
  replyPackets: 'f64',
  replyBytes: 'f64',
  replyIpBytes: 'f64',
  ifindex: 'u32',
  endReason: 'u8',
} as const;
type Page = Columns<typeof BOOK_COLUMNS>;

/** Rows of a page: a million flows take 113 MB, and no copies while they grow. */
const PAGE_SHIFT = 12;
const PAGE = 1 << PAGE_SHIFT;

/** Flows of a file with their owners, in memory: the latest row of each, for who prints without storing. */
export class FlowBook {
  #flows = 0;
  readonly #pages: Page[] = [];
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

  /** Names that had no room here. */
  get namesLost(): number {
    return this.#names.lost;
  }

  /** Serials count from 1, so the row of a flow is its serial minus 1. */
  addFlows(flows: FlowColumns): void {
    this.#names.add(this.#log.take(true));
    const { serial, key } = flows;
    for (let i = 0; i < flows.count; i++) {
      const row = serial[i]! - 1;
      if (row >= this.#flows) this.#flows = row + 1;
      while (this.#pages.length << PAGE_SHIFT <= row) this.#pages.push(createColumns(BOOK_COLUMNS, PAGE));
      const page = this.#pages[row >>> PAGE_SHIFT]!;
      const at = row & (PAGE - 1);
      for (let w = 0; w < KEY_WORDS; w++) page.key[at * KEY_WORDS + w] = key[i * KEY_WORDS + w]!;
      page.firstUs[at] = flows.firstUs[i]!;
      page.lastUs[at] = flows.lastUs[i]!;
      page.origPackets[at] = flows.origPackets[i]!;
      page.origBytes[at] = flows.origBytes[i]!;
      page.origIpBytes[at] = flows.origIpBytes[i]!;
      page.replyPackets[at] = flows.replyPackets[i]!;
      page.replyBytes[at] = flows.replyBytes[i]!;
      page.replyIpBytes[at] = flows.replyIpBytes[i]!;
      page.ifindex[at] = flows.ifindex[i]!;
      page.endReason[at] = flows.endReason[i]!;
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

  /** Records in order of their first packet. */
  *records(): Generator<FlowRecord> {
    for (let row = 0; row < this.#flows; row++) yield this.#record(row);
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
    const { key, ...rows } = this.#pages[row >>> PAGE_SHIFT]!;
    const i = row & (PAGE - 1);
    const at = i * KEY_WORDS;
    const protocol = keyProtocol(key, at);
    return {
      flow_id: row + 1,
      host: null,
      netns: null,
      interface: this.#interfaceName(rows.ifindex[i]!),
      protocol: protocolName(protocol),
      src_addr: formatAddress(key, at + K_FIRST),
      src_port: portOrNull(protocol, keyFirstPort(key, at)),
      dst_addr: formatAddress(key, at + K_SECOND),
      dst_port: portOrNull(protocol, keySecondPort(key, at)),
      nat_src_addr: null,
      nat_src_port: null,
      nat_dst_addr: null,
      nat_dst_port: null,
      first_us: rows.firstUs[i]!,
      last_us: rows.lastUs[i]!,
      end_reason: FLOW_END_REASONS[rows.endReason[i]!] ?? null,
      orig_packets: rows.origPackets[i]!,
      orig_bytes: rows.origBytes[i]!,
      orig_ip_bytes: rows.origIpBytes[i]!,
      reply_packets: rows.replyPackets[i]!,
      reply_bytes: rows.replyBytes[i]!,
      reply_ip_bytes: rows.replyIpBytes[i]!,
      ...this.#end('src', this.#answer(row, 0), this.#nameOf(row, 0)),
      ...this.#end('dst', this.#answer(row, 1), this.#nameOf(row, 1)),
    } as FlowRecord;
  }

  #nameOf(row: number, side: number): EndName | undefined {
    const { key, firstUs, lastUs } = this.#pages[row >>> PAGE_SHIFT]!;
    const i = row & (PAGE - 1);
    return this.#names.of({
      serial: row + 1,
      side,
      address: formatAddress(key, i * KEY_WORDS + (side === 0 ? K_FIRST : K_SECOND)),
      peer: this.#processId(this.#answer(row, 1 - side)),
      firstUs: firstUs[i]!,
      lastUs: lastUs[i]!,
    });
  }

  #end(side: 'src' | 'dst', answer: Answer, name: EndName | undefined): Record<string, Value> {
    const fields = answerFields(answer);
    const all: Record<string, Value> = {
      netns: answer.process?.netns || null,
      ...fields,
      user: fields.uid === null ? null : this.#userName(fields.uid),
      name: name?.text ?? null,
      name_source: name?.source ?? null,
    };
    return Object.fromEntries(Object.entries(all).map(([field, value]) => [`${side}_${field}`, value]));
  }
}
