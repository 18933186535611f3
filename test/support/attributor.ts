/** An attributor that is fed literals, and its answers as short texts. */
import type { Answer } from '../../src/attribution/attribute.ts';
import { Attributor, type LearnedFacts } from '../../src/attribution/attributor.ts';
import { parseAddress } from '../../src/core/address.ts';
import { confidence } from '../../src/core/attribution.ts';
import { type FlowLiteral, makeFlows, makeHolders, makeSockets } from './facts.ts';

export const SRC = 0;
export const DST = 1;
export const HOST = '192.0.2.1';
export const PEER = '198.51.100.9';

const NOTHING: LearnedFacts = {
  atUs: 0,
  sockets: makeSockets(),
  holders: makeHolders(),
  processes: [],
  scan: null,
  addresses: null,
};

/** An attributor of a host with the address HOST, and the last answer per (flow, side). */
export function setUp(ownNetns = 0, everyNetns = false) {
  const attributor = new Attributor(ownNetns, everyNetns);
  attributor.addresses.replace([parseAddress(HOST)!], [parseAddress('192.0.2.255')!]);
  const answers = new Map<string, Answer>();
  const given: string[] = [];
  const onAnswer = (serial: number, side: number, answer: Answer): void => {
    answers.set(`${serial}/${side}`, answer);
    given.push(`${serial}/${side} ${words(answer)}`);
  };
  return {
    attributor,
    given, // all answers, in order
    of: (serial: number, side: number) => answers.get(`${serial}/${side}`),
    flows: (...literals: readonly FlowLiteral[]) => attributor.addFlows(makeFlows(...literals), onAnswer),
    answer: () => attributor.answer(onAnswer),
    observe: (facts: Partial<LearnedFacts>) => attributor.observe({ ...NOTHING, ...facts }),
  };
}

/** A complete scan; `denied`: users whose processes may not be read. */
export const scan = (startedUs: number, denied: readonly number[] = [], partly: readonly number[] = []) => ({
  startedUs,
  deniedUids: denied,
  partlyDeniedUids: partly,
});

export const words = (answer: Answer | undefined): string => {
  if (answer === undefined) return 'nothing';
  const sure = confidence(answer.evidence, answer.reason, answer.process !== null);
  return `${answer.process?.pid ?? answer.reason} ${answer.evidence?.match ?? '-'} ${sure}`;
};

/** Holders of an answer in its order: pid and role. */
export const roles = (answer: Answer | undefined): string[] =>
  (answer?.holders ?? []).map(({ process, role }) => `${process.pid} ${role}`);
