/** What the kernel says now and what is stored about the same connection, as one answer of `who`. */
import type { Row } from '../report/columns.ts';
import { otherSide, type Side } from '../report/flow-columns.ts';
import type { OwnerAnswer } from './owner-words.ts';

const OWNER_FIELDS = ['pid', 'comm', 'exe', 'cmdline', 'uid', 'user', 'unit', 'container', 'source', 'confidence'];

/**
 * Answers in the order in which they are worth reading: sockets that somebody has now (with what is stored of their
 * flow), then what is stored, then sockets that nobody has any more.
 */
export function mergeAnswers(now: readonly OwnerAnswer[], stored: readonly OwnerAnswer[]): readonly OwnerAnswer[] {
  const merged = new Map<OwnerAnswer, OwnerAnswer>(); // by what is stored
  const open: OwnerAnswer[] = [];
  const closing: OwnerAnswer[] = [];
  for (const live of now) {
    const flow = stored.find((answer) => sideOf(answer.record, live.record) !== undefined);
    if (!isOwned(live)) {
      if (flow === undefined) closing.push(live); // TIME-WAIT and such: what is stored says more
    } else if (flow === undefined || !isLiving(flow.record)) open.push(live);
    else merged.set(flow, joined(merged.get(flow) ?? flow, live));
  }
  return [...merged.values(), ...open, ...stored.filter((answer) => !merged.has(answer)), ...closing];
}

/** Somebody holds it. */
function isOwned({ record, holders }: OwnerAnswer): boolean {
  return (record.src_pid ?? null) !== null || holders.length > 0;
}

/** A flow whose end is stored was on an earlier socket. */
function isLiving(record: Row): boolean {
  return (record.flow_id ?? null) !== null && (record.end_reason ?? null) === null;
}

/** The side of `flow` that is the local end of `socket`; undefined: they are about different connections. */
function sideOf(flow: Row, socket: Row): Side | undefined {
  const end = (row: Row, side: Side): string => `${row[`${side}_addr`]} ${row[`${side}_port`]}`;
  if (flow.protocol !== socket.protocol || (socket.dst_addr ?? null) === null) return undefined;
  return (['src', 'dst'] as const).find(
    (side) => end(flow, side) === end(socket, 'src') && end(flow, otherSide(side)) === end(socket, 'dst'),
  );
}

/** The kernel fills an owner in where none is stored, and says who else holds the socket now. */
function joined(flow: OwnerAnswer, live: OwnerAnswer): OwnerAnswer {
  const side = sideOf(flow.record, live.record)!;
  const record: Record<string, Row[string]> = { ...flow.record, state: live.record.state ?? null };
  const holders: Row[] = live.holders.map((holder) => ({ ...holder, side }));
  const owner = live.record.src_pid ?? null;
  if (owner !== null && (record[`${side}_pid`] ?? null) === null) {
    for (const name of OWNER_FIELDS) record[`${side}_${name}`] = live.record[`src_${name}`] ?? null;
    for (const name of ['match', 'reason', 'gap_us']) record[`${side}_${name}`] = null;
  } else if (owner !== null && owner !== record[`${side}_pid`]) {
    const fields = ['pid', 'comm', 'exe', 'cmdline', 'uid', 'user'].map((name) => [
      name,
      live.record[`src_${name}`] ?? null,
    ]);
    holders.push({ ...Object.fromEntries(fields), side, role: 'holder' });
  }
  const known = new Set(flow.holders.map((holder) => `${holder.side} ${holder.pid}`));
  return { record, holders: [...flow.holders, ...holders.filter(({ side: at, pid }) => !known.has(`${at} ${pid}`))] };
}
