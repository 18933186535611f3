/** What an attributor said of literal facts, stored in a database, and the explanation that comes from it. */
import { type Explanation, explainFlow, type Person } from '../../src/app/explain/explain-flow.ts';
import { TickBuilder } from '../../src/app/record/tick-builder.ts';
import { Attributor, type LearnedFacts } from '../../src/attribution/attributor.ts';
import { parseAddress } from '../../src/core/address.ts';
import { Reader } from '../../src/store/reader.ts';
import { HOST } from './attributor.ts';
import { withDatabase } from './database.ts';
import { type FlowLiteral, makeFlows, makeHolders, makeSockets } from './facts.ts';
import { tick } from './ticks.ts';

export interface ToldFlows {
  readonly facts: Partial<LearnedFacts>;
  readonly flows: readonly FlowLiteral[];
}

/** Runs `work` with the path of a database in which the flows have their answers, and sockets their people. */
export function withAnswers<T>({ facts, flows }: ToldFlows, work: (path: string) => T): T {
  const attributor = new Attributor();
  attributor.addresses.replace([parseAddress(HOST)!], []);
  const builder = new TickBuilder(attributor, { userName: () => null });
  const nothing = { sockets: makeSockets(), holders: makeHolders(), processes: [], scan: null, addresses: null };
  attributor.observe({ atUs: 0, ...nothing, ...facts });
  const onAnswer = builder.addAnswer.bind(builder);
  attributor.addFlows(makeFlows(...flows), onAnswer);
  attributor.answer(onAnswer);
  builder.addSockets(Number.POSITIVE_INFINITY);
  return withDatabase([{ ...tick(), ...builder.take(true), flows: makeFlows(...flows) }], work);
}

export function explain(path: string, flow: number): Explanation | undefined {
  const reader = Reader.open(path);
  try {
    return explainFlow(reader, flow);
  } finally {
    reader.close();
  }
}

const who = ({ row, isNamed, isParent, whyNot }: Person): string =>
  [row.pid, row.role, isNamed ? 'named' : null, isParent ? 'parent' : null, whyNot].filter((word) => word).join(' ');

/** One end in words: its rules, the people of its sockets, and what lost. */
export function storyOf(explanation: Explanation | undefined, side: 'src' | 'dst') {
  const end = explanation!.ends.find((one) => one.side === side)!;
  const text = (isChosen: boolean) => end.sockets.filter((socket) => socket.isChosen === isChosen);
  return {
    rules: end.rules.join(' '),
    people: text(true).flatMap(({ people }) => people.map(who)),
    lost: text(false).map(({ whyNot, people }) => `${whyNot}: ${people.map(({ row }) => row.pid).join(' ')}`),
    ...(end.parent === null ? {} : { parent: who(end.parent) }),
    verdict: end.verdict,
  };
}
