import type { CaptureInfo, InterfaceCount, Tick } from '../core/tick.ts';
import type { Us } from '../core/time.ts';
import { Besides } from './besides.ts';
import type { ShareSink } from './flow-share.ts';
import { NetnsTable } from './netns-table.ts';
import type { Sqlite, Statement } from './sqlite.ts';

const INSERT = `INSERT INTO capture (host, boot, netns, interface, backend, filter, snaplen, command, version, sources,
  flow_base, started_us, last_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const UPDATE = `UPDATE capture SET last_us = ?, longest_us = ?, packets = ?, bytes = ?, ip_bytes = ?, flow_packets = ?,
  flow_bytes = ?, duplicate_packets = ?, duplicate_bytes = ?, not_ip_packets = ?, not_ip_bytes = ?, bad_packets = ?,
  bad_bytes = ?, received = ?, kernel_drops = ?, interface_drops = ?, flows_evicted = ?, flows_lost = ?, facts_lost = ?,
  facts_late = ?, names_lost = ?, looks_skipped = ? WHERE id = ?`;
const UPSERT_INTERFACE = `INSERT INTO capture_interface (capture, netns, ifindex, name, packets, bytes, kernel_bytes)
  VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (capture, netns, ifindex) DO UPDATE SET name = excluded.name, packets = excluded.packets, bytes = excluded.bytes,
  kernel_bytes = coalesce(excluded.kernel_bytes, kernel_bytes)`;

/** One capture: the host and boot it ran on, and what was counted since it began. */
export class CaptureWriter {
  readonly id: number;
  readonly boot: number;
  readonly netns: NetnsTable;
  readonly netnsRow: number | null;
  readonly flowBase: number; // flow serial 1 gets row flowBase + 1
  readonly #host: number;
  readonly #besides: Besides;
  readonly #update: Statement;
  readonly #upsertInterface: Statement;
  readonly #insertClock: Statement;
  readonly #upsertUser: Statement;
  readonly #upsertContainer: Statement;
  readonly #end: Statement;

  /** Has to be called inside a transaction. */
  constructor(db: Sqlite, info: CaptureInfo) {
    this.#host = rowOf(db, 'host', ['name'], [info.hostName]);
    this.boot = rowOf(db, 'boot', ['host', 'boot_id'], [this.#host, info.bootId]);
    this.netns = new NetnsTable(db, this.boot);
    this.netnsRow = this.netns.rowOrNull(info.netns, info.startedUs);
    this.flowBase = Number(db.prepare('SELECT coalesce(max(id), 0) FROM flow').pluck().get());
    this.id = Number(this.#insert(db, info));
    this.#besides = new Besides(db, this.id);
    this.#update = db.prepare(UPDATE);
    this.#upsertInterface = db.prepare(UPSERT_INTERFACE);
    this.#insertClock = db.prepare('INSERT OR REPLACE INTO clock (boot, boot_us, offset_us) VALUES (?, ?, ?)');
    this.#upsertUser = db.prepare(
      'INSERT INTO user (host, uid, name) VALUES (?, ?, ?) ON CONFLICT (host, uid) DO UPDATE SET name = excluded.name',
    );
    this.#upsertContainer = db.prepare(
      'INSERT INTO container (id, name) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name',
    );
    this.#end = db.prepare('UPDATE capture SET ended_us = ?, last_us = max(last_us, ?) WHERE id = ?');
  }

  #insert(db: Sqlite, i: CaptureInfo): number | bigint {
    return db
      .prepare(INSERT)
      .run(
        this.#host,
        this.boot,
        this.netnsRow,
        i.interface,
        i.backend,
        i.filter,
        i.snaplen,
        i.command,
        i.version,
        i.sources,
        this.flowBase,
        i.startedUs,
        i.startedUs,
      ).lastInsertRowid;
  }

  /** @param longestUs longest span of a flow of this capture: bounds how far back a query for a range has to look */
  write(tick: Tick, longestUs: Us, sink: ShareSink): void {
    const c = tick.counters;
    this.#besides.share(c, tick.atUs, sink);
    this.#update.run(
      tick.atUs,
      longestUs,
      c.packets,
      c.bytes,
      c.ipBytes,
      c.flowPackets,
      c.flowBytes,
      c.duplicatePackets,
      c.duplicateBytes,
      c.notIpPackets,
      c.notIpBytes,
      c.badPackets,
      c.badBytes,
      c.received,
      c.kernelDrops,
      c.interfaceDrops,
      c.flowsEvicted,
      c.flowsLost,
      c.factsLost,
      c.factsLate,
      c.namesLost,
      c.looksSkipped,
      this.id,
    );
    for (const one of tick.namespaces) this.netns.describe(one, tick.atUs);
    for (const one of tick.interfaces) this.#writeInterface(one, tick.atUs);
    if (tick.clock !== null) this.#insertClock.run(this.boot, tick.clock.bootUs, tick.clock.offsetUs);
    for (const { uid, name } of tick.users) this.#upsertUser.run(this.#host, uid, name);
    for (const { id, name } of tick.containers) this.#upsertContainer.run(id, name);
  }

  #writeInterface({ netns, ifindex, name, packets, bytes, kernelBytes = null }: InterfaceCount, nowUs: Us): void {
    const row = this.netns.rowOrNull(netns, nowUs) ?? this.netnsRow ?? 0;
    this.#upsertInterface.run(this.id, row, ifindex, name, packets, bytes, kernelBytes);
  }

  end(endedUs: Us): void {
    this.#end.run(endedUs, endedUs, this.id);
  }
}

/** @returns id of the row with these values, which is made when there is none */
function rowOf(db: Sqlite, table: 'host' | 'boot', columns: readonly string[], values: readonly (string | number)[]) {
  const where = columns.map((name) => `${name} = ?`).join(' AND ');
  const known = db
    .prepare(`SELECT id FROM ${table} WHERE ${where}`)
    .pluck()
    .get(...values);
  if (known !== undefined) return Number(known);
  const marks = columns.map(() => '?').join(', ');
  const insert = db.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`);
  return Number(insert.run(...values).lastInsertRowid);
}
