/**
 * Reads mutated captures one after the other: `fuzz.cjs SECONDS SEED CASE`. Each is written to the file CASE before it
 * is read, so that the one that crashes or hangs is there afterwards. Ends with 1 when anything but a result or a
 * UserError came of one, when one took too long, or when memory grew beyond bounds.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readFiles } from '../../src/app/read/file-reading.ts';
import { FlowBook } from '../../src/app/read/flow-book.ts';
import { Attributor } from '../../src/attribution/attributor.ts';
import { UserError } from '../../src/core/errors.ts';
import { FLOW_RECORD_FIELDS } from '../../src/core/record.ts';
import { InterfaceNumbers } from '../../src/pcap/interface-numbers.ts';
import { json } from '../../src/report/json.ts';
import { mutate, Random } from './mutate.ts';

const SLOW_MS = 10_000; // many times what the largest seed takes on a busy machine
const MOST_BYTES = 700e6; // resident
const LARGEST_SEED = 32_768;
const SAY_EVERY_MS = 10_000;
const PACKED_EVERY = 16;

async function main([seconds = '60', seed = '1', path = '']: readonly string[]): Promise<void> {
  const seeds = readdirSync('captures')
    .filter((name) => name.includes('.pcap'))
    .map((name) => new Uint8Array(readFileSync(join('captures', name))))
    .filter((bytes) => bytes.length > 0 && bytes.length <= LARGEST_SEED);
  const random = new Random(Number(seed));
  const end = performance.now() + Number(seconds) * 1000;
  const counts = { cases: 0, packets: 0, damaged: 0, refused: 0 };
  let saidMs = performance.now();
  while (performance.now() < end) {
    const file = mutate(seeds, random);
    writeFileSync(path, random.below(PACKED_EVERY) === 0 ? gzipSync(file) : file);
    const startedMs = performance.now();
    await read(path, random.below(2) === 0, counts);
    counts.cases++;
    check(performance.now() - startedMs, process.memoryUsage().rss);
    if (performance.now() - saidMs < SAY_EVERY_MS) continue;
    saidMs = performance.now();
    say(counts);
  }
  say(counts);
}

async function read(
  path: string,
  decap: boolean,
  counts: { packets: number; damaged: number; refused: number },
): Promise<void> {
  const interfaces = new InterfaceNumbers();
  const book = new FlowBook(
    () => null,
    (ifindex) => interfaces.nameOf(ifindex),
  );
  try {
    const result = await readFiles(
      { inputs: [{ path }], interfaces, decap, attributor: new Attributor(), facts: [] },
      {
        tell: 'ends',
        onFlows: (flows) => book.addFlows(flows),
        onAnswer: (serial, side, answer) => book.addAnswer(serial, side, answer),
        onProgress: () => {},
      },
    );
    counts.packets += result.counters.packets;
    if (result.damages.length > 0) counts.damaged++;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    counts.refused++;
  }
  for (const text of json(book.records(), { columns: [], fields: FLOW_RECORD_FIELDS, width: 80, csvRaw: false }))
    JSON.stringify(text);
}

function check(tookMs: number, rss: number): void {
  if (tookMs > SLOW_MS) throw new Error(`one file took ${Math.round(tookMs)} ms`);
  if (rss > MOST_BYTES) throw new Error(`${rss} octets of memory`);
}

function say(counts: Readonly<Record<string, number>>): void {
  console.log(
    Object.entries(counts)
      .map(([name, n]) => `${n} ${name}`)
      .join(', '),
  );
}

const scratch = mkdtempSync(join(tmpdir(), 'pcapid-fuzz-'));
const [seconds, seed, path = join(scratch, 'case')] = process.argv.slice(2);
main([seconds ?? '60', seed ?? '1', path]).then(
  () => rmSync(scratch, { recursive: true }),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
