import type { Us } from '../core/time.ts';
import type { TranslationHistoryColumns } from '../core/translation.ts';
import { K_FIRST, K_SECOND, KEY_WORDS, keyFirstPort, keyProtocol, keySecondPort } from '../core/tuple.ts';
import type { AddressTable } from './address-table.ts';
import { IdMap } from './id-map.ts';
import type { NetnsTable } from './netns-table.ts';
import { portOrNull } from './ports.ts';
import type { Sqlite, Statement } from './sqlite.ts';

const INSERT = `INSERT INTO translation (id, boot, netns, protocol, src_address, src_port, dst_address, dst_port,
  nat_src_address, nat_src_port, nat_dst_address, nat_dst_port, from_us, to_us)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET to_us = excluded.to_us`;
/** That an address is translated is no sign that a packet was seen. */
const NO_PACKET_US = Number.POSITIVE_INFINITY;

/** Writes which tuples were translated into which others. */
export class TranslationWriter {
  readonly #ids: IdMap;
  readonly #insert: Statement;
  readonly #addresses: AddressTable;
  readonly #netns: NetnsTable;
  readonly #boot: number;

  constructor(db: Sqlite, addresses: AddressTable, netns: NetnsTable, boot: number) {
    this.#ids = new IdMap(Number(db.prepare('SELECT coalesce(max(id), 0) FROM translation').pluck().get()));
    this.#insert = db.prepare(INSERT);
    this.#addresses = addresses;
    this.#netns = netns;
    this.#boot = boot;
  }

  write(t: TranslationHistoryColumns): void {
    for (let i = 0; i < t.count; i++) {
      this.#insert.run(
        this.#ids.row(t.id[i]!),
        this.#boot,
        this.#netns.rowOrNull(t.netns[i]!, t.fromUs[i]!),
        keyProtocol(t.original, i * KEY_WORDS),
        ...this.#tuple(t.original, i * KEY_WORDS),
        ...this.#tuple(t.translated, i * KEY_WORDS),
        t.fromUs[i]!,
        t.toUs[i]! || null,
      );
    }
  }

  #tuple(key: Int32Array, at: number): readonly (number | null)[] {
    const protocol = keyProtocol(key, at);
    return [
      this.#addresses.row(key, at + K_FIRST, NO_PACKET_US),
      portOrNull(protocol, keyFirstPort(key, at)),
      this.#addresses.row(key, at + K_SECOND, NO_PACKET_US),
      portOrNull(protocol, keySecondPort(key, at)),
    ];
  }
}

/** What is in force is known until then, when its recorder ended; only one records at a time. */
export function endTranslations(db: Sqlite, untilUs: Us): void {
  db.prepare('UPDATE translation SET to_us = max(from_us, ?) WHERE to_us IS NULL').run(untilUs);
}
