/**
 * A program: watches the sockets and processes of its network namespace until SIGTERM, then writes them as facts.
 * captures/make-demo.mjs runs it beside tcpdump. `observe FILE`; prints `ready` when it watches.
 */
import { writeFileSync } from 'node:fs';
import { Clock } from '../../src/app/clock.ts';
import { formatFacts } from '../../src/app/fact-file.ts';
import { NETLINK_SOCK_DIAG, openNetlink } from '../../src/app/netlink-transport.ts';
import { Observer } from '../../src/app/observer.ts';
import { openSources } from '../../src/app/open-sources.ts';
import type { SocketSource } from '../../src/app/socket-source.ts';
import { ProcFs } from '../../src/linux/proc-fs.ts';
import { SockDiag } from '../../src/linux/sock-diag.ts';
import { loadNative } from '../../src/native/binding.ts';

const STEP_MS = 5;
const DUMP_US = 10_000;
/** A fact that did not change is repeated this often, so that the interval in which it held can be read. */
const REPEAT_US = 1_000_000;

const AF_INET = 2;
const AF_INET6 = 10;
const [TCP, UDP] = [6, 17];
const ALL_STATES = 0xfff;

/**
 * Every TCP and UDP socket, a hundred times a second. A recording asks for the tuple of each new flow instead, and is
 * cheaper; without a capture nobody says which flows are new.
 */
function everySocket(diag: SockDiag, nowUs: () => number): SocketSource {
  let dueUs = 0;
  return {
    lost: 0,
    find: () => false,
    poll(out) {
      if (nowUs() < dueUs) return false;
      dueUs = nowUs() + DUMP_US;
      for (const protocol of [TCP, UDP]) {
        diag.dump(protocol, AF_INET, ALL_STATES, out);
        diag.dump(protocol, AF_INET6, ALL_STATES, out);
      }
      return true;
    },
  };
}

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

function run(path: string): void {
  const native = loadNative();
  const clock = new Clock(native);
  const proc = new ProcFs('/proc');
  const { sources, readAddresses } = openSources(native, proc, ['diag', 'proc'], clock.nowUs);
  const diag = new SockDiag(openNetlink(native, NETLINK_SOCK_DIAG), clock.nowUs);
  const observer = new Observer({
    proc,
    sources: [everySocket(diag, clock.nowUs), ...sources],
    readAddresses,
    nowUs: clock.nowUs,
  });
  const facts: Fact[] = [];
  const step = (last: 'last' | 'more'): void => {
    const learned = observer.step(last);
    if (learned === undefined) return;
    for (const line of formatFacts(learned, clock.offsetUs).split('\n')) if (line !== '') facts.push(JSON.parse(line));
  };
  const timer = setInterval(() => step('more'), STEP_MS);
  process.once('SIGTERM', () => {
    clearInterval(timer);
    step('last');
    writeFileSync(
      path,
      reduce(facts)
        .map((fact) => `${JSON.stringify(fact)}\n`)
        .join(''),
    );
  });
  process.stdout.write('ready\n');
}

run(process.argv[2]!);
