/** Was the end of a socket named with the process that really sent and received there? */
import { lifeUs, payload, type TrueEnd } from './true-ends.ts';

/** What a tool said of one end of a flow. */
export interface SaidEnd {
  readonly netns: number | null; // where the packets were seen; null: the tool does not say
  readonly fromUs: number; // first packet
  readonly toUs: number;
  readonly pid: number | null;
  readonly startTicks: number | null;
  readonly reason: string | null; // why there is no pid
}

/** parent: the true process's parent, or the one that made the socket, was named instead. */
export type Verdict = 'named' | 'wrong' | 'parent' | 'none';

export interface Judged {
  readonly end: TrueEnd;
  readonly verdict: Verdict;
  readonly reason: string; // of 'none'
  readonly pids: readonly number[]; // that were named
}

const NOT_SEEN = 'no flow';

/** What a tool said, by protocol and tuple seen from the end itself. */
export class SaidEnds {
  readonly #byTuple = new Map<string, SaidEnd[]>();

  add(protocol: string, local: readonly [string, number], remote: readonly [string, number], said: SaidEnd): void {
    const key = keyOf(protocol, local, remote);
    const known = this.#byTuple.get(key);
    if (known === undefined) this.#byTuple.set(key, [said]);
    else known.push(said);
  }

  /**
   * The row of each namespace that has most of its time in common with the truth. A veth shows the same packets in two
   * namespaces; on loopback every namespace has tuples of its own.
   */
  of({ protocol, local, remote, netns, from_us, to_us }: TrueEnd): readonly SaidEnd[] {
    const best = new Map<number | null, SaidEnd>();
    const shared = (said: SaidEnd): number => Math.min(said.toUs, to_us) - Math.max(said.fromUs, from_us);
    for (const said of this.#byTuple.get(keyOf(protocol, local, remote)) ?? []) {
      if (shared(said) < 0 || (isLoopback(local[0]) && said.netns !== null && said.netns !== netns)) continue;
      const before = best.get(said.netns);
      if (before === undefined || shared(said) > shared(before)) best.set(said.netns, said);
    }
    return [...best.values()].sort((a) => (a.netns === netns ? -1 : 1));
  }
}

const keyOf = (protocol: string, local: readonly [string, number], remote: readonly [string, number]): string =>
  `${protocol} ${local.join(' ')} ${remote.join(' ')}`;

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

/** One wrong name counts, however many right ones stand beside it. */
export function judge(end: TrueEnd, said: readonly SaidEnd[]): Judged {
  const verdicts = said.map((one) => verdictOf(end, one));
  const verdict = (['wrong', 'parent', 'named'] as const).find((word) => verdicts.includes(word)) ?? 'none';
  const pids = said.flatMap(({ pid }) => pid ?? []);
  return { end, verdict, pids, reason: verdict === 'none' ? (said[0]?.reason ?? NOT_SEEN) : '' };
}

function verdictOf(end: TrueEnd, { pid, startTicks }: SaidEnd): Verdict {
  if (pid === null) return 'none';
  if (pid === end.pid && (startTicks === null || startTicks === end.start_ticks)) return 'named';
  return pid === end.other ? 'parent' : 'wrong';
}

/** Counts of one group of ends, as shares of it. */
export interface Score {
  readonly count: number;
  readonly bytes: number;
  readonly shares: Readonly<Record<Verdict, number>>; // 0 to 1, of ends
  readonly byteShares: Readonly<Record<Verdict, number>>;
}

export function score(judged: readonly Judged[]): Score {
  const sum = (verdict: Verdict | undefined, weight: (end: TrueEnd) => number): number =>
    judged.reduce((total, one) => total + (verdict === undefined || one.verdict === verdict ? weight(one.end) : 0), 0);
  const one = (): number => 1;
  const sharesOf = (weight: (end: TrueEnd) => number): Record<Verdict, number> => {
    const all = Math.max(sum(undefined, weight), 1);
    const share = (verdict: Verdict): number => sum(verdict, weight) / all;
    return { named: share('named'), wrong: share('wrong'), parent: share('parent'), none: share('none') };
  };
  return { count: judged.length, bytes: sum(undefined, payload), shares: sharesOf(one), byteShares: sharesOf(payload) };
}

/** The groups that the bars of the project speak of, and one of all. */
export const GROUPS: Readonly<Record<string, (end: TrueEnd) => boolean>> = {
  'sub-millisecond': ({ set }) => set === 'short',
  'lives 100 ms or longer': (end) => end.set === 'old' || (end.set === 'held' && lifeUs(end) >= 100_000),
  all: () => true,
};
