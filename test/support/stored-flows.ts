/** What a recording stored, read from its tables and not through the program's own queries. */
import { openSqlite, type SqlValue } from '../../src/store/sqlite.ts';

export interface StoredHolder {
  readonly pid: number;
  readonly startTicks: number;
}

export interface StoredEnd {
  readonly address: string;
  readonly port: number | null;
  readonly pid: number | null;
  readonly startTicks: number | null;
  readonly uid: number | null; // of the process, else of the socket
  readonly match: string | null;
  readonly source: string | null;
  readonly reason: string | null;
  readonly holders: number | null;
  readonly socket: number | null; // row of table `socket`
}

export interface StoredFlow {
  readonly id: number;
  readonly protocol: string;
  readonly src: StoredEnd;
  readonly dst: StoredEnd;
  readonly origPackets: number;
  readonly origBytes: number;
  readonly origIpBytes: number;
  readonly replyPackets: number;
  readonly replyBytes: number;
  readonly replyIpBytes: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly endReason: string | null;
}

type Row = Record<string, string | number | null>;

const endColumns = (side: 'src' | 'dst'): string => `
  ${side}_a.text AS ${side}_address, f.${side}_port, ${side}_p.pid AS ${side}_pid,
  ${side}_p.start_ticks AS ${side}_start_ticks, coalesce(${side}_p.uid, ${side}_g.uid) AS ${side}_uid,
  ${side}_m.token AS ${side}_match, ${side}_s.token AS ${side}_source, ${side}_r.token AS ${side}_reason,
  f.${side}_holders, f.${side}_socket`;

const endJoins = (side: 'src' | 'dst'): string => `
  JOIN address ${side}_a ON ${side}_a.id = f.${side}_address
  LEFT JOIN process ${side}_p ON ${side}_p.id = f.${side}_process
  LEFT JOIN program ${side}_g ON ${side}_g.id = f.${side}_program
  LEFT JOIN match ${side}_m ON ${side}_m.id = f.${side}_match
  LEFT JOIN source ${side}_s ON ${side}_s.id = f.${side}_source
  LEFT JOIN reason ${side}_r ON ${side}_r.id = f.${side}_reason`;

const FLOWS = `SELECT f.*, o.token AS protocol_token, e.token AS end_token, ${endColumns('src')}, ${endColumns('dst')}
  FROM flow f JOIN protocol o ON o.id = f.protocol LEFT JOIN end_reason e ON e.id = f.end_reason
  ${endJoins('src')} ${endJoins('dst')} ORDER BY f.id`;

export function query(database: string, sql: string, ...params: SqlValue[]): readonly Row[] {
  const db = openSqlite(database, 'read');
  try {
    return db.prepare(sql).all(...params) as Row[];
  } finally {
    db.close();
  }
}

/** All flows, in order of their first packet. */
export function readFlows(database: string): readonly StoredFlow[] {
  return query(database, FLOWS).map((row) => ({
    id: Number(row.id),
    protocol: String(row.protocol_token),
    src: endOf(row, 'src'),
    dst: endOf(row, 'dst'),
    origPackets: Number(row.orig_packets),
    origBytes: Number(row.orig_bytes),
    origIpBytes: Number(row.orig_ip_bytes),
    replyPackets: Number(row.reply_packets),
    replyBytes: Number(row.reply_bytes),
    replyIpBytes: Number(row.reply_ip_bytes),
    firstUs: Number(row.first_us),
    lastUs: Number(row.last_us),
    endReason: row.end_token === null ? null : String(row.end_token),
  }));
}

function endOf(row: Row, side: 'src' | 'dst'): StoredEnd {
  const text = (name: string): string | null => (row[name] === null ? null : String(row[name]));
  const number = (name: string): number | null => (row[name] === null ? null : Number(row[name]));
  return {
    address: String(row[`${side}_address`]),
    port: number(`${side}_port`),
    pid: number(`${side}_pid`),
    startTicks: number(`${side}_start_ticks`),
    uid: number(`${side}_uid`),
    match: text(`${side}_match`),
    source: text(`${side}_source`),
    reason: text(`${side}_reason`),
    holders: number(`${side}_holders`),
    socket: number(`${side}_socket`),
  };
}

/** Processes of table `holder` for a row of table `socket`. */
export function readHolders(database: string, socket: number): readonly StoredHolder[] {
  const sql = `SELECT p.pid, p.start_ticks FROM holder h JOIN process p ON p.id = h.process
    WHERE h.socket = ? ORDER BY p.pid`;
  return query(database, sql, socket).map((row) => ({ pid: Number(row.pid), startTicks: Number(row.start_ticks) }));
}

/** The processes of all sockets with that local port and no remote end, as table `socket` names them. */
export function readHoldersOnPort(database: string, port: number): readonly StoredHolder[] {
  const sql = `SELECT DISTINCT p.pid, p.start_ticks FROM socket s JOIN process p ON p.id = s.process
    WHERE s.local_port = ? AND coalesce(s.remote_port, 0) = 0 ORDER BY p.pid`;
  return query(database, sql, port).map((row) => ({ pid: Number(row.pid), startTicks: Number(row.start_ticks) }));
}

/** The last capture of the database. */
export function readCapture(database: string): Row {
  const [row] = query(database, 'SELECT * FROM capture ORDER BY id DESC LIMIT 1');
  if (row === undefined) throw new Error(`${database} holds no capture`);
  return row;
}
