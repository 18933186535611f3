import { isUnspecified } from '../core/address.ts';
import { NO_UID, SocketFlag } from '../core/socket.ts';
import type { HolderHistoryColumns, SocketHistoryColumns } from '../core/tick.ts';
import { K_FIRST, K_SECOND, KEY_WORDS, keyFirstPort, keyProtocol, keySecondPort } from '../core/tuple.ts';
import type { AddressTable } from './address-table.ts';
import { IdMap } from './id-map.ts';
import type { NetnsTable } from './netns-table.ts';
import { portOrNull } from './ports.ts';
import type { Sqlite, Statement } from './sqlite.ts';

const INSERT = `INSERT INTO socket (id, boot, netns, protocol, local_address, local_port, remote_address, remote_port,
  cookie, inode, uid, state, process, from_us, to_us, source, role, sent_bytes, acked_bytes, received_bytes)
  VALUES (${'?, '.repeat(19)}?)
  ON CONFLICT (id) DO UPDATE SET uid = coalesce(excluded.uid, uid), state = excluded.state,
  process = excluded.process, to_us = max(to_us, excluded.to_us), source = excluded.source, role = excluded.role,
  sent_bytes = excluded.sent_bytes, acked_bytes = excluded.acked_bytes, received_bytes = excluded.received_bytes`;
/** That a socket has an address is no sign that a packet was seen. */
const NO_PACKET_US = Number.POSITIVE_INFINITY;

const INSERT_HOLDER = `INSERT INTO holder (socket, process, role, from_us, to_us, sent_from, received_from)
  VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (socket, process, role, from_us) DO UPDATE SET to_us = max(to_us, excluded.to_us)`;

/** Writes the ownership history: which socket was whose, from when to when. */
export class SocketWriter {
  readonly sockets: IdMap;
  readonly #insert: Statement;
  readonly #insertHolder: Statement;
  readonly #addresses: AddressTable;
  readonly #netns: NetnsTable;
  readonly #processes: IdMap;
  readonly #boot: number;
  readonly #row: (number | null)[] = new Array(20).fill(null); // filled anew for each socket, as FlowWriter does

  constructor(db: Sqlite, addresses: AddressTable, netns: NetnsTable, processes: IdMap, boot: number) {
    this.sockets = new IdMap(Number(db.prepare('SELECT coalesce(max(id), 0) FROM socket').pluck().get()));
    this.#insert = db.prepare(INSERT);
    this.#insertHolder = db.prepare(INSERT_HOLDER);
    this.#addresses = addresses;
    this.#netns = netns;
    this.#processes = processes;
    this.#boot = boot;
  }

  writeSockets(s: SocketHistoryColumns): void {
    const row = this.#row;
    for (let i = 0; i < s.count; i++) {
      const at = i * KEY_WORDS;
      const protocol = keyProtocol(s.key, at);
      const hasTotals = s.hasTotals[i] === 1;
      const connected = !isUnspecified(s.key, at + K_SECOND);
      row[0] = this.sockets.row(s.id[i]!);
      row[1] = this.#boot;
      row[2] = this.#netns.rowOrNull(s.netns[i]!, s.fromUs[i]!);
      row[3] = protocol;
      row[4] = this.#addresses.row(s.key, at + K_FIRST, NO_PACKET_US);
      row[5] = portOrNull(protocol, keyFirstPort(s.key, at));
      row[6] = connected ? this.#addresses.row(s.key, at + K_SECOND, NO_PACKET_US) : null;
      row[7] = connected ? portOrNull(protocol, keySecondPort(s.key, at)) : null;
      row[8] = s.cookie[i]! || null;
      row[9] = s.inode[i]! || null;
      row[10] = s.uid[i] === NO_UID ? null : s.uid[i]!;
      row[11] = s.state[i]!;
      row[12] = this.#processes.rowOrNull(s.process[i]!);
      row[13] = s.fromUs[i]!;
      row[14] = s.toUs[i]!;
      row[15] = s.source[i]! || null;
      row[16] = s.role[i]! || null;
      row[17] = hasTotals ? s.sentBytes[i]! : null;
      row[18] = hasTotals ? s.ackedBytes[i]! : null;
      row[19] = hasTotals ? s.receivedBytes[i]! : null;
      this.#insert.run(...row);
    }
  }

  writeHolders(h: HolderHistoryColumns): void {
    for (let i = 0; i < h.count; i++) {
      const [socket, process] = [this.sockets.row(h.socket[i]!), this.#processes.row(h.process[i]!)];
      const sentFrom = (h.edge[i]! & SocketFlag.SentFrom) === 0 ? null : h.sequence[i]!;
      const receivedFrom = (h.edge[i]! & SocketFlag.ReceivedFrom) === 0 ? null : h.sequence[i]!;
      this.#insertHolder.run(socket, process, h.role[i]!, h.fromUs[i]!, h.toUs[i]!, sentFrom, receivedFrom);
    }
  }
}
