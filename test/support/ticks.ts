/** Ticks of a few literals, for tests of the store and of everything that reads it. */
import { parseAddress } from '../../src/core/address.ts';
import {
  END_COLUMNS,
  FlowSide,
  MATCHES,
  type Match,
  REASONS,
  type Reason,
  ROLES,
  type Role,
} from '../../src/core/attribution.ts';
import { type ColumnSpec, type Columns, createColumns, pushRow } from '../../src/core/columns.ts';
import { FLOW_COLUMNS, FLOW_END_REASONS, FlowFlag } from '../../src/core/flow.ts';
import { FLOW_NAME_COLUMNS, NAME_COLUMNS, NAME_SOURCES, type NameRows, type NameSource } from '../../src/core/name.ts';
import type { Process } from '../../src/core/process.ts';
import { NO_UID, SOURCES, type Source } from '../../src/core/socket.ts';
import {
  type CaptureInfo,
  HOLDER_HISTORY_COLUMNS,
  NO_PACKETS,
  type ProcessRow,
  SOCKET_HISTORY_COLUMNS,
  type Tick,
} from '../../src/core/tick.ts';
import { TRANSLATION_HISTORY_COLUMNS } from '../../src/core/translation.ts';
import { K_FIRST, K_PORTS, K_SECOND, KEY_WORDS, packMeta, packPorts, protocolNumber } from '../../src/core/tuple.ts';

/** 2026-11-21T13:00:00Z */
export const NOON = 1_795_266_000_000_000;
export const SECOND = 1_000_000;

export const INFO: CaptureInfo = {
  interface: 'any',
  backend: 'libpcap',
  filter: '',
  snaplen: 2048,
  command: 'pcapid record',
  version: '0.0.0',
  startedUs: NOON,
  hostName: 'testhost',
  bootId: '11111111-2222-3333-4444-555555555555',
  netns: 4026531840,
  sources: 'diag,proc',
};

export const COUNTERS = NO_PACKETS;

export interface FlowLiteral {
  readonly serial: number;
  readonly tuple: string; // 'tcp 10.0.0.1:1000 > [2001:db8::1]:443'
  readonly firstUs?: number;
  readonly lastUs?: number;
  readonly orig?: readonly [packets: number, bytes: number, ipBytes: number];
  readonly reply?: readonly [packets: number, bytes: number, ipBytes: number];
  readonly end?: (typeof FLOW_END_REASONS)[number];
  readonly isNew?: boolean; // default true
  readonly ifindex?: number;
  readonly netns?: number;
  readonly nat?: string; // the translated tuple, as `tuple`
}

export interface EndLiteral {
  readonly serial: number;
  readonly side: 'src' | 'dst';
  readonly process?: number;
  readonly program?: number;
  readonly socket?: number;
  readonly netns?: number;
  readonly source?: Source;
  readonly match?: Match;
  readonly reason?: Reason;
  readonly gapUs?: number;
  readonly holders?: number;
}

export interface SocketLiteral {
  readonly id: number;
  readonly tuple: string; // local > remote
  readonly process?: number;
  readonly fromUs?: number;
  readonly toUs?: number;
}

interface HolderLiteral {
  readonly socket: number;
  readonly process: number;
  readonly role?: Role; // absent: holder
  readonly fromUs?: number;
}

export interface NameLiteral {
  readonly id: number;
  readonly text: string;
  readonly address: string;
  readonly source: NameSource;
  readonly process?: number;
  readonly fromUs?: number;
  readonly toUs?: number;
  readonly flow?: number; // serial of a flow whose destination is called so
}

export interface TranslationLiteral {
  readonly id: number;
  readonly original: string; // tuple
  readonly translated: string;
  readonly fromUs?: number;
  readonly toUs?: number; // absent: in force
}

export interface TickLiteral
  extends Partial<Omit<Tick, 'flows' | 'ends' | 'sockets' | 'translations' | 'holders' | 'names'>> {
  readonly flows?: readonly FlowLiteral[];
  readonly ends?: readonly EndLiteral[];
  readonly sockets?: readonly SocketLiteral[];
  readonly translations?: readonly TranslationLiteral[];
  readonly holders?: readonly HolderLiteral[];
  readonly names?: readonly NameLiteral[];
}

export function tick(literal: TickLiteral = {}): Tick {
  return {
    programs: [],
    processes: [],
    users: [],
    namespaces: [],
    containers: [],
    counters: COUNTERS,
    interfaces: [],
    clock: null,
    atUs: NOON,
    ...literal,
    flows: flowColumns(literal.flows ?? []),
    ends: endColumns(literal.ends ?? []),
    sockets: socketColumns(literal.sockets ?? []),
    translations: translationColumns(literal.translations ?? []),
    holders: holderColumns(literal.holders ?? []),
    names: nameRows(literal.names ?? []),
  };
}

function filled<S extends ColumnSpec, Row>(
  spec: S,
  rows: readonly Row[],
  put: (columns: Columns<S>, i: number, row: Row) => void,
): Columns<S> {
  const columns = createColumns(spec, Math.max(1, rows.length));
  for (const row of rows) put(columns, pushRow(columns), row);
  return columns;
}

const flowColumns = (rows: readonly FlowLiteral[]): Tick['flows'] =>
  filled(FLOW_COLUMNS, rows, (columns, i, row) => {
    columns.serial[i] = row.serial;
    writeKey(row.tuple, columns.key, i * KEY_WORDS);
    columns.firstUs[i] = row.firstUs ?? NOON;
    columns.lastUs[i] = row.lastUs ?? columns.firstUs[i]!;
    [columns.origPackets[i], columns.origBytes[i], columns.origIpBytes[i]] = row.orig ?? [1, 74, 60];
    [columns.replyPackets[i], columns.replyBytes[i], columns.replyIpBytes[i]] = row.reply ?? [0, 0, 0];
    columns.ifindex[i] = row.ifindex ?? 0;
    columns.netns[i] = row.netns ?? 0;
    if (row.nat !== undefined) writeKey(row.nat, columns.natKey, i * KEY_WORDS);
    columns.flags[i] = (row.isNew === false ? 0 : FlowFlag.New) | (row.end ? FlowFlag.Ended : 0);
    columns.endReason[i] = FLOW_END_REASONS.indexOf(row.end ?? null);
    columns.pktType[i] = 4;
  });

const endColumns = (rows: readonly EndLiteral[]): Tick['ends'] =>
  filled(END_COLUMNS, rows, (columns, i, row) => {
    columns.serial[i] = row.serial;
    columns.side[i] = row.side === 'src' ? FlowSide.Src : FlowSide.Dst;
    columns.process[i] = row.process ?? 0;
    columns.program[i] = row.program ?? 0;
    columns.socket[i] = row.socket ?? 0;
    columns.netns[i] = row.netns ?? 0;
    columns.source[i] = SOURCES.indexOf(row.source ?? null);
    columns.match[i] = MATCHES.indexOf(row.match ?? null);
    columns.reason[i] = REASONS.indexOf(row.reason ?? null);
    columns.gapUs[i] = row.gapUs ?? 0;
    columns.holders[i] = row.holders ?? 0;
  });

const socketColumns = (rows: readonly SocketLiteral[]): Tick['sockets'] =>
  filled(SOCKET_HISTORY_COLUMNS, rows, (columns, i, row) => {
    columns.id[i] = row.id;
    writeKey(row.tuple, columns.key, i * KEY_WORDS);
    columns.uid[i] = NO_UID;
    columns.state[i] = 1;
    columns.process[i] = row.process ?? 0;
    columns.fromUs[i] = row.fromUs ?? NOON;
    columns.toUs[i] = row.toUs ?? columns.fromUs[i]!;
  });

const translationColumns = (rows: readonly TranslationLiteral[]): Tick['translations'] =>
  filled(TRANSLATION_HISTORY_COLUMNS, rows, (columns, i, row) => {
    columns.id[i] = row.id;
    writeKey(row.original, columns.original, i * KEY_WORDS);
    writeKey(row.translated, columns.translated, i * KEY_WORDS);
    columns.fromUs[i] = row.fromUs ?? NOON;
    columns.toUs[i] = row.toUs ?? 0;
  });

const holderColumns = (rows: readonly HolderLiteral[]): Tick['holders'] =>
  filled(HOLDER_HISTORY_COLUMNS, rows, (columns, i, row) => {
    columns.socket[i] = row.socket;
    columns.process[i] = row.process;
    columns.role[i] = ROLES.indexOf(row.role ?? 'holder');
    columns.fromUs[i] = row.fromUs ?? NOON;
    columns.toUs[i] = columns.fromUs[i]!;
  });

function nameRows(names: readonly NameLiteral[]): NameRows {
  const rows = createColumns(NAME_COLUMNS, Math.max(1, names.length));
  const flows = createColumns(FLOW_NAME_COLUMNS);
  for (const name of names) {
    const i = pushRow(rows);
    rows.id[i] = name.id;
    rows.address.set(parseAddress(name.address)!, i * 4);
    rows.source[i] = NAME_SOURCES.indexOf(name.source);
    rows.process[i] = name.process ?? 0;
    rows.fromUs[i] = name.fromUs ?? NOON;
    rows.toUs[i] = name.toUs ?? rows.fromUs[i]!;
    if (name.flow === undefined) continue;
    const out = pushRow(flows);
    flows.serial[out] = name.flow;
    flows.side[out] = FlowSide.Dst;
    flows.name[out] = name.id;
  }
  return { rows, texts: names.map(({ text }) => text), flows };
}

/** Writes 'tcp A:p > B:q' as the key at `key[at]`. */
export function writeKey(tuple: string, key: Int32Array, at: number): void {
  const m = /^(\S+) \[?([0-9a-f.:]+?)\]?(?::(\d+))? > \[?([0-9a-f.:]+?)\]?(?::(\d+))?$/.exec(tuple);
  if (m === null) throw new TypeError(`not a tuple: ${tuple}`);
  const [first, second] = [parseAddress(m[2]!)!, parseAddress(m[4]!)!];
  key[at] = packMeta(protocolNumber(m[1]!)!, m[2]!.includes(':') ? 6 : 4, 0);
  key[at + K_PORTS] = packPorts(Number(m[3] ?? 0), Number(m[5] ?? 0));
  key.set(first, at + K_FIRST);
  key.set(second, at + K_SECOND);
}

export function process(fields: Partial<Process> & { readonly pid: number }): Process {
  return {
    startTicks: fields.pid * 100,
    parentPid: 1,
    comm: `p${fields.pid}`,
    exe: null,
    argv: null,
    uid: 0,
    cgroup: null,
    unit: null,
    container: null,
    netns: 0,
    forked: false,
    ...fields,
  };
}

/** A process row, and the program row that belongs to it (same id). */
export function processRow(id: number, fields: Partial<Process> & { readonly pid: number }) {
  const one = process(fields);
  const row: ProcessRow = { id, program: id, process: one, firstUs: NOON, lastUs: NOON, exitUs: null };
  const { exe, unit, container, uid } = one;
  return { row, program: { id, exe, unit, container, uid } };
}
