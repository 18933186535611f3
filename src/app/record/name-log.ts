import { formatAddress } from '../../core/address.ts';
import { FlowSide } from '../../core/attribution.ts';
import { createColumns, pushRow } from '../../core/columns.ts';
import { type FlowColumns, FlowFlag } from '../../core/flow.ts';
import { FLOW_NAME_COLUMNS, type FoundNames, LAST_ANSWER, NAME_COLUMNS, type NameRows } from '../../core/name.ts';
import type { Us } from '../../core/time.ts';
import { KEY_WORDS, keyFirstPort, keySecondPort } from '../../core/tuple.ts';

/** Ports that answers come from: DNS, mDNS, LLMNR. */
const DNS_PORTS = new Set([53, 5353, 5355]);
/** An answer waits for so many takes, a second each, until it is known who heard it. */
const PATIENCE = 3;
const MOST_WAITING = 16_384;
const MOST_LISTENERS = 32_768;
/** Names whose rows go on when they are said again; of others a new row begins. */
const MOST_KNOWN = 16_384;
const MOST_LISTENERS_OF_NAME = 16;

/** One fact, as it goes through the log. */
interface Said {
  readonly address: Int32Array;
  readonly text: string;
  readonly source: number;
  readonly timeUs: Us;
  readonly end: number; // serial * 2 + side of who heard it, or of who is called so
  patience: number;
}

/** A row that may be told again. */
interface Row {
  readonly id: number;
  readonly address: Int32Array;
  readonly text: string;
  readonly source: number;
  readonly process: number;
  readonly fromUs: Us;
  toUs: Us;
}

/** What an address is called at present, with a row for each who heard it. */
interface Calling {
  readonly text: string;
  readonly rows: Map<number, Row>; // by process and source
}

/**
 * Joins answers to the processes that heard them, and makes rows of names: a row ends when its address is called
 * otherwise, so the row that began last before a moment is what the address was called then.
 */
export class NameLog {
  readonly #listeners = new Map<number, number>(); // serial * 2 + side of flows with a DNS port: process, 0: not yet known
  readonly #callings = new Map<string, Calling>(); // by address, latest last
  readonly #flowRows = new Map<string, Row>(); // by source, address and text, latest last
  #waiting: Said[] = [];
  #changed = new Set<Row>(); // since the last take
  #flows = createColumns(FLOW_NAME_COLUMNS);
  #ids = 0;

  /** Says that somebody will tell who is at the ends of these flows. */
  watch({ count, key, serial, flags }: FlowColumns): void {
    for (let i = 0; i < count; i++) {
      const at = i * KEY_WORDS;
      if ((flags[i]! & FlowFlag.New) === 0) continue;
      if (!DNS_PORTS.has(keyFirstPort(key, at)) && !DNS_PORTS.has(keySecondPort(key, at))) continue;
      for (const side of [FlowSide.Src, FlowSide.Dst]) put(this.#listeners, serial[i]! * 2 + side, 0, MOST_LISTENERS);
    }
  }

  /** @param process id of the one at that end, 0: not known */
  answer(serial: number, side: number, process: number): void {
    const end = serial * 2 + side;
    if (process !== 0 && this.#listeners.has(end)) this.#listeners.set(end, process);
  }

  add({ rows, texts }: FoundNames): void {
    for (let i = 0; i < rows.count; i++) {
      const said = {
        address: rows.address.slice(i * 4, i * 4 + 4),
        text: texts[i]!,
        source: rows.source[i]!,
        timeUs: rows.timeUs[i]!,
        end: rows.serial[i]! * 2 + rows.side[i]!,
        patience: this.#waiting.length < MOST_WAITING ? PATIENCE : 0,
      };
      if (said.source > LAST_ANSWER) this.#nameFlow(said);
      else this.#waiting.push(said);
    }
  }

  /** Something was added since the last take(), or waits. */
  get hasRows(): boolean {
    return this.#waiting.length + this.#changed.size + this.#flows.count > 0;
  }

  /** What is new since the last take. @param isLast nothing more will be known of who heard what */
  take(isLast = false): NameRows {
    this.#waiting = this.#waiting.filter((said) => {
      const process = this.#listeners.get(said.end);
      if (process === 0 && !isLast && said.patience-- > 0) return true;
      this.#callAddress(said, process ?? 0);
      return false;
    });
    const rows = createColumns(NAME_COLUMNS, Math.max(1, this.#changed.size));
    const texts: string[] = [];
    for (const { id, address, text, source, process, fromUs, toUs } of this.#changed) {
      const row = pushRow(rows);
      rows.id[row] = id;
      rows.address.set(address, row * 4);
      rows.source[row] = source;
      rows.process[row] = process;
      rows.fromUs[row] = fromUs;
      rows.toUs[row] = toUs;
      texts.push(text);
    }
    const taken = { rows, texts, flows: this.#flows };
    this.#changed = new Set();
    this.#flows = createColumns(FLOW_NAME_COLUMNS);
    return taken;
  }

  #callAddress(said: Said, process: number): void {
    const address = formatAddress(said.address);
    const known = this.#callings.get(address);
    const calling = known?.text === said.text ? known : { text: said.text, rows: new Map<number, Row>() };
    put(this.#callings, address, calling, MOST_KNOWN);
    const listener = process * (LAST_ANSWER + 1) + said.source;
    put(calling.rows, listener, this.#say(calling.rows.get(listener), said, process), MOST_LISTENERS_OF_NAME);
  }

  #nameFlow(said: Said): void {
    const name = `${said.source} ${formatAddress(said.address)} ${said.text}`;
    const row = this.#say(this.#flowRows.get(name), said, 0);
    put(this.#flowRows, name, row, MOST_KNOWN);
    if (said.end < 2) return; // its flow is not known
    const out = pushRow(this.#flows);
    this.#flows.serial[out] = Math.floor(said.end / 2);
    this.#flows.side[out] = said.end % 2;
    this.#flows.name[out] = row.id;
  }

  #say(known: Row | undefined, { address, text, source, timeUs }: Said, process: number): Row {
    const row = known ?? { id: ++this.#ids, address, text, source, process, fromUs: timeUs, toUs: timeUs };
    row.toUs = Math.max(row.toUs, timeUs);
    this.#changed.add(row);
    return row;
  }
}

/** Sets the latest entry of a map that forgets its oldest ones. */
function put<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
