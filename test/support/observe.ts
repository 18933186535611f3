/**
 * A program: watches sockets and processes as a recording does until SIGTERM, then writes what it learned as facts.
 * captures/make-demo.mjs runs it beside tcpdump. `observe FILE`; prints `ready` when it watches.
 */
import { writeFileSync } from 'node:fs';
import { formatFacts } from '../../src/app/read/fact-file.ts';
import { Clock } from '../../src/app/record/clock.ts';
import { Observer } from '../../src/app/record/observe/observer.ts';
import { openSources } from '../../src/app/record/observe/open-sources.ts';
import { LiveSource } from '../../src/capture/live.ts';
import { createDecodedBatch } from '../../src/core/decoded.ts';
import type { FreshColumns } from '../../src/core/flow.ts';
import { createPacketBatch } from '../../src/core/packet.ts';
import { Decoder } from '../../src/decode/decode-batch.ts';
import { FlowTable } from '../../src/flow/flow-table.ts';
import { ProcFs } from '../../src/linux/proc-fs.ts';
import { loadNative, type Native } from '../../src/native/binding.ts';

/** A fact that did not change is repeated this often, so that the interval in which it held can be read. */
const REPEAT_US = 1_000_000;
const BATCH_PACKETS = 256;
const MOST_REST_MS = 10; // a packet ends the rest, a signal does not
const LIVE = { device: 'any', filter: '', snaplen: 128, ringBytes: 1 << 20, timeoutMs: 10, promiscuous: false };

interface Fact {
  readonly kind: string;
  readonly at_us: number;
  readonly inode?: number;
  readonly pid?: number;
}

/** What the facts file is for: sockets, who held them, and those processes. Nothing twice within a second. */
function reduce(facts: readonly Fact[]): readonly Fact[] {
  const sockets = new Set(facts.filter(({ kind }) => kind === 'socket').map(({ inode }) => inode));
  const isHolder = ({ kind, inode, pid }: Fact): boolean =>
    kind === 'holder' && sockets.has(inode) && pid !== process.pid;
  const holders = new Set(facts.filter(isHolder).map(({ pid }) => pid));
  const lastUs = new Map<string, number>();
  return facts.filter((fact) => {
    if (fact.kind === 'holder' && !isHolder(fact)) return false;
    if (fact.kind === 'process' && !holders.has(fact.pid)) return false;
    const text = JSON.stringify({ ...fact, at_us: 0 });
    const previous = lastUs.get(text);
    if (previous !== undefined && (fact.kind === 'process' || fact.at_us - previous < REPEAT_US)) return false;
    lastUs.set(text, fact.at_us);
    return true;
  });
}

/** New flows, as the capture thread of a recording hands them to the observer. */
function watchFlows(native: Native, clock: Clock): (waitMs: number) => FreshColumns | undefined {
  const source = new LiveSource(native, { ...LIVE, netnsPath: '' });
  const batch = createPacketBatch(BATCH_PACKETS, BATCH_PACKETS * LIVE.snaplen);
  const decoded = createDecodedBatch(BATCH_PACKETS);
  const decoder = new Decoder();
  const table = new FlowTable({ fresh: true });
  return (waitMs) => {
    source.read(batch, waitMs);
    clock.read();
    decoder.decode(batch, decoded);
    table.add(batch, decoded, clock.offsetUs, clock.bootUs);
    return table.takeFresh();
  };
}

function run(path: string): void {
  const native = loadNative();
  const clock = new Clock(native);
  const proc = new ProcFs('/proc');
  const takeFresh = watchFlows(native, clock);
  const { sources, readAddresses } = openSources(native, proc, ['diag', 'proc'], clock.nowUs);
  const observer = new Observer({ proc, sources, readAddresses, nowUs: clock.nowUs });
  const facts: Fact[] = [];
  let isOver = false;
  const turn = (): void => {
    const fresh = takeFresh(Math.min(observer.restMs, MOST_REST_MS));
    if (fresh !== undefined) observer.serveFresh(fresh);
    const learned = observer.step(isOver ? 'last' : 'more');
    const lines = learned === undefined ? [] : formatFacts(learned, clock.offsetUs).split('\n');
    for (const line of lines) if (line !== '') facts.push(JSON.parse(line));
    if (!isOver) setImmediate(turn);
    else
      writeFileSync(
        path,
        reduce(facts)
          .map((fact) => `${JSON.stringify(fact)}\n`)
          .join(''),
      );
  };
  process.once('SIGTERM', () => {
    isOver = true;
  });
  turn();
  process.stdout.write('ready\n');
}

run(process.argv[2]!);
