import { formatAddress } from '../../src/core/address.ts';
import { createDecodedBatch } from '../../src/core/decoded.ts';
import { LAST_ANSWER, NAME_SOURCES, type NameFact } from '../../src/core/name.ts';
import { Decoder } from '../../src/decode/decode-batch.ts';
import { NameReader } from '../../src/names/name-reader.ts';
import type { Say } from '../../src/names/say.ts';
import { tupleText } from './decode-one.ts';
import { packetBatch, type TestPacket } from './packets.ts';

/** `dns 192.0.2.1 is example.com` and `sni 6 10.0.0.1:1 10.0.0.2:443 is example.com`. */
const factText = (fact: NameFact): string =>
  `${fact.source} ${isAnswer(fact) ? formatAddress(fact.address) : tupleText(fact.key, 0)} is ${fact.name}`;

const isAnswer = ({ source }: NameFact): boolean => NAME_SOURCES.indexOf(source) <= LAST_ANSWER;

/** Reads packets in one batch, after each other. */
export function readNames(packets: readonly TestPacket[]): string[] {
  return readFacts(packets).map(factText);
}

export function readFacts(packets: readonly TestPacket[], batchSize = packets.length, offsetUs = 0): NameFact[] {
  const facts: NameFact[] = [];
  const reader = new NameReader((fact) => facts.push(fact));
  const decoder = new Decoder();
  for (let from = 0; from < packets.length; from += Math.max(1, batchSize)) {
    const batch = packetBatch(packets.slice(from, from + batchSize));
    const out = createDecodedBatch(batch.capacity);
    decoder.decode(batch, out);
    reader.look(batch, out, offsetUs);
  }
  return facts;
}

/** What a parser says, as `source address name` or `source name`. */
export function saidBy(parse: (say: Say) => unknown): string[] {
  const said: string[] = [];
  parse({
    address: (source, address, name) => said.push(`${source} ${formatAddress(address)} ${name}`),
    flow: (source, name) => said.push(`${source} ${name}`),
  });
  return said;
}
