/** Why each end of a stored flow has the owner it has: the facts, the rules that fired, and what lost. */
import { type Answer, attribute } from '../../attribution/attribute.ts';
import { IGMP } from '../../attribution/end-place.ts';
import type { FlowEnd } from '../../attribution/flow-end.ts';
import { type MetBy, metBy, type WhyNot, whyNot } from '../../attribution/why-not.ts';
import type { Match, Reason, Rule } from '../../core/attribution.ts';
import { FlowEnd as FlowEndReason } from '../../core/flow.ts';
import type { Us } from '../../core/time.ts';
import { Protocol } from '../../core/tuple.ts';
import {
  compileExplainedFlow,
  compileNextOwners,
  compileParent,
  compilePeople,
  compileProcess,
  compileSocket,
  compileSocketsOnPort,
  compileSocketsOnTuple,
  type TupleRows,
} from '../../store/compile-explain.ts';
import type { Reader, Row } from '../../store/reader.ts';
import { endOf, type Side, StoredFacts, sourceOfEnd } from './stored-facts.ts';

export type WhyNotThem = 'acted-earlier' | 'acted-later' | 'created-only' | 'held-only' | 'listened-only' | 'no-part';

export interface Person {
  readonly row: Row; // of compilePeople()
  readonly isNamed: boolean;
  readonly isParent: boolean; // of the one that is named
  readonly whyNot: WhyNotThem | null; // null: named, or nobody is
}

export interface ExplainedSocket {
  readonly row: Row; // of compileSocket()
  readonly isChosen: boolean;
  readonly whyNot: WhyNot | null;
  readonly people: readonly Person[];
}

/** Whether the rules, asked again with what is stored, give the stored answer. */
export type Verdict =
  | 'agrees' // by tuple and time alone
  | 'agrees-by-cookie' // with the socket that the packets themselves carried
  | 'differs'
  | 'not-checked'; // it follows from the addresses of interfaces, which are not stored, or from the protocol

export interface ExplainedEnd {
  readonly side: Side;
  readonly sockets: readonly ExplainedSocket[];
  readonly parent: Person | null; // of the process that is named, where no socket lists it
  readonly rules: readonly (Match | MetBy | Rule | Reason)[]; // in their order; of the second asking where it differs
  readonly verdict: Verdict;
  readonly computed: { readonly pid: number | null; readonly reason: Reason | null } | null;
}

export interface Explanation {
  readonly flow: Row; // of compileExplainedFlow()
  readonly ends: readonly ExplainedEnd[];
}

/** What addresses or the protocol alone decide, before any socket is looked for. */
const BY_PLACE: readonly unknown[] = ['not-local', 'forwarded', 'other-netns'];
const KERNELS: readonly unknown[] = [IGMP, Protocol.Icmp, Protocol.Icmp6];
const isByPlace = ({ protocol }: Row, reason: unknown): boolean =>
  BY_PLACE.includes(reason) || (reason === 'kernel' && KERNELS.includes(protocol));

/** @returns undefined: there is no such flow */
export function explainFlow(reader: Reader, flowId: number): Explanation | undefined {
  const [flow] = reader.all(compileExplainedFlow(flowId));
  if (flow === undefined) return undefined;
  return { flow, ends: (['src', 'dst'] as const).map((side) => explainEnd(reader, flow, side)) };
}

function explainEnd(reader: Reader, flow: Row, side: Side): ExplainedEnd {
  const offsetUs = Number(flow.offset_us ?? 0);
  const facts = new StoredFacts(offsetUs, sourceOfEnd(flow, side));
  const found = socketsOf(reader, flow, side).map((row) => {
    const people = reader.all(compilePeople(Number(row.id)));
    return { row, people, at: facts.add(row, people) };
  });
  const [named] = flow[`${side}_process`] === null ? [] : reader.all(compileProcess(Number(flow[`${side}_process`])));
  const { answer, end, verdict } = askAgain(flow, side, facts, named, found, cutUsOf(reader, flow, side, found));
  const own = found.find(({ row }) => row.id === flow[`${side}_socket`]);
  const chosen = own?.at ?? (verdict === 'differs' ? -1 : (answer?.socket ?? -1));
  const match = verdict === 'differs' ? answer?.evidence?.match : (flow[`${side}_match`] as Match | null);
  const place = chosen === -1 ? end : { ...end, netns: facts.sockets.facts.netns[chosen]! }; // its own, of a foreign end
  const sockets = found.map(({ row, people, at }) => {
    const isChosen = at === chosen || (chosen === -1 && isOneOf(answer, people));
    return {
      row,
      isChosen,
      whyNot: isChosen ? null : whyNot(place, at, match ?? undefined, facts.sockets),
      people: peopleOf(people, named, flow, isChosen),
    };
  });
  const [parent] = named === undefined ? [] : reader.all(compileParent(Number(named.process)));
  const isListed = sockets.some(({ people }) => people.some(({ row }) => row.process === parent?.process));
  const stored = flow[`${side}_reason`] as Reason | null;
  const reason = verdict === 'differs' ? (answer?.reason ?? null) : stored;
  const fired = chosen === -1 || answer === null ? [] : [metBy(end, chosen, facts.sockets)];
  const rules = answer === null ? [reason] : [match, ...fired, answer.rule, answer.rule === null ? reason : null];
  return {
    side,
    sockets,
    parent:
      parent === undefined || isListed ? null : { row: parent, isNamed: false, isParent: true, whyNot: 'no-part' },
    rules: rules.filter((rule) => rule !== null && rule !== undefined),
    verdict,
    computed: answer === null ? null : { pid: answer.process?.pid ?? null, reason: answer.reason },
  };
}

/** Those on the tuple, on the translated one and on the port, and the one that the flow points at. */
function socketsOf(reader: Reader, flow: Row, side: Side): readonly Row[] {
  const place = {
    boot: Number(flow.boot),
    protocol: Number(flow.protocol),
    firstUs: Number(flow.first_us),
    lastUs: Number(flow.last_us),
  };
  const queries = [tupleOf(flow, side, ''), tupleOf(flow, side, 'nat_')].flatMap((tuple) =>
    tuple === undefined
      ? []
      : [
          compileSocketsOnTuple(tuple, place),
          ...(isByPlace(flow, flow[`${side}_reason`]) ? [] : [compileSocketsOnPort(tuple, place)]),
        ],
  );
  const own = flow[`${side}_socket`];
  if (own !== null) queries.unshift(compileSocket(Number(own)));
  const rows = new Map(queries.flatMap((query) => reader.all(query)).map((row) => [row.id, row]));
  return [...rows.values()];
}

function tupleOf(flow: Row, side: Side, before: '' | 'nat_'): TupleRows | undefined {
  const other = side === 'src' ? 'dst' : 'src';
  const number = (name: string): number | null => (flow[before + name] === null ? null : Number(flow[before + name]));
  const [local, remote] = [number(`${side}_address`), number(`${other}_address`)];
  if (local === null || remote === null) return undefined;
  return { local, remote, localPort: number(`${side}_port`), remotePort: number(`${other}_port`) };
}

interface FoundSocket {
  readonly row: Row;
  readonly people: readonly Row[];
  readonly at: number; // row of the socket table
}

/** When the process took over that has this end in the next flow of the tuple: what it did is no part of this flow. */
function cutUsOf(reader: Reader, flow: Row, side: Side, found: readonly FoundSocket[]): Us {
  if (flow.end_reason !== FlowEndReason.Forced) return Number.POSITIVE_INFINITY;
  const [next] = reader.all(compileNextOwners(Number(flow.flow)));
  const heir = next?.[`${side}_process`] ?? null;
  if (heir === null || heir === flow[`${side}_process`]) return Number.POSITIVE_INFINITY;
  const own = found.find(({ row }) => row.id === flow[`${side}_socket`]);
  const turns = (own?.people ?? []).filter(({ process, role }) => process === heir && role === 'actor');
  const times = turns.map(({ role_from_us: us }) => Number(us)).filter((us) => us > Number(flow.first_us));
  return Math.min(...times);
}

interface Again {
  readonly answer: Answer | null;
  readonly end: FlowEnd;
  readonly verdict: Verdict;
}

/** By tuple and time first: only if that does not lead to the stored answer, by the cookie that the packets carried. */
function askAgain(
  flow: Row,
  side: Side,
  facts: StoredFacts,
  named: Row | undefined,
  found: readonly FoundSocket[],
  cutUs: Us,
): Again {
  const end = endOf(flow, side, 0, cutUs);
  const reason = flow[`${side}_reason`] as Reason | null;
  if (isByPlace(flow, reason)) return { answer: null, end, verdict: 'not-checked' };
  const answer = attribute(end, facts);
  if (isSame(answer, named, reason)) return { answer, end, verdict: 'agrees' };
  const own = found.find(({ row }) => row.id === flow[`${side}_socket`]);
  if (own === undefined) return { answer, end, verdict: 'differs' };
  const withCookie = endOf(flow, side, facts.sockets.facts.cookie[own.at]!, cutUs);
  const second = attribute(withCookie, facts);
  if (isSame(second, named, reason)) return { answer: second, end: withCookie, verdict: 'agrees-by-cookie' };
  const isTold = own.row.cookie !== null; // else packets carried none
  return { answer: isTold ? second : answer, end: isTold ? withCookie : end, verdict: 'differs' };
}

/** Which of the reasons for an unknown holder it was depended on scans, and of a missing socket on losses: not stored. */
const REASON_CLASSES: readonly (readonly (Reason | null)[])[] = [
  ['no-socket', 'overflow', 'kernel'],
  ['closed-before-scan', 'no-permission', 'kernel'],
  ['ambiguous'],
];

function isSame({ process, reason }: Answer, named: Row | undefined, stored: Reason | null): boolean {
  if (named !== undefined) return process?.pid === named.pid && process?.startTicks === named.start_ticks;
  return process === null && REASON_CLASSES.some((one) => one.includes(stored) && one.includes(reason));
}

/** Of several sockets that share a port none is the one: all whose processes may have acted are. */
function isOneOf(answer: Answer | null, people: readonly Row[]): boolean {
  if (answer === null || answer.socket !== -1) return false;
  return people.some(({ pid }) => answer.holders.some(({ process }) => process.pid === pid));
}

/** Everybody who had to do with one socket. */
function peopleOf(rows: readonly Row[], named: Row | undefined, flow: Row, isChosen: boolean): readonly Person[] {
  const turns = rows.filter(({ process }) => process === named?.process).map(({ role_from_us: us }) => Number(us));
  const turnUs = Math.max(...turns.filter((us) => us <= Number(flow.last_us)));
  return rows.map((row) => {
    const isNamed = row.process === named?.process;
    const isParent = named !== undefined && row.pid === named.parent_pid && !isNamed;
    const isLoser = named !== undefined && !isNamed && isChosen;
    return { row, isNamed, isParent, whyNot: isLoser ? whyNotThem(row, turnUs) : null };
  });
}

/** @param turnUs when the one who is named began to act */
function whyNotThem({ role, role_from_us: fromUs }: Row, turnUs: Us): WhyNotThem {
  if (role === 'creator') return 'created-only';
  if (role === 'listener') return 'listened-only';
  if (role !== 'actor') return 'held-only';
  return Number(fromUs) > turnUs ? 'acted-later' : 'acted-earlier';
}
