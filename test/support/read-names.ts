import { FILE_BATCH_BYTES, PcapFileSource } from '../../src/capture/file.ts';
import { formatAddress } from '../../src/core/address.ts';
import { createDecodedBatch } from '../../src/core/decoded.ts';
import { LAST_ANSWER, NAME_SOURCES, type NameFact } from '../../src/core/name.ts';
import { createPacketBatch } from '../../src/core/packet.ts';
import { Decoder } from '../../src/decode/decode-batch.ts';
import { NameReader } from '../../src/names/name-reader.ts';
import type { Say } from '../../src/names/say.ts';
import { tupleText } from './decode-one.ts';
import { packetBatch, type TestPacket } from './packets.ts';

const BATCH = 4096;

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

/** The names in a file, `sni example.com`, in order of packets; an answer with several addresses says its name once. */
export function namesOfFile(path: string): string[] {
  const said = new Set<string>(); // source, name and packet
  const reader = new NameReader(({ source, name, timeUs, key }) => said.add(`${source} ${name} ${timeUs} ${key}`));
  const source = new PcapFileSource({ path });
  const batch = createPacketBatch(BATCH, FILE_BATCH_BYTES);
  const decoded = createDecodedBatch(BATCH);
  const decoder = new Decoder();
  while (source.read(batch, 0) > 0) {
    decoder.decode(batch, decoded);
    reader.look(batch, decoded, 0);
  }
  source.close();
  return [...said].map((text) => text.split(' ').slice(0, 2).join(' '));
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
