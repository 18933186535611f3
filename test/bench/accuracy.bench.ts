/**
 * How many ends of sockets are named with the process that really sent and received there, against a workload that says
 * so itself. Needs root. `npm run bench:accuracy -- [options]`, see OPTIONS; docs/accuracy.md has the results.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killChildren } from '../support/child.ts';
import { readTruth } from '../support/true-ends.ts';
import { type Load, Stage } from '../support/true-workload.ts';
import { readCost } from './accuracy/measured.ts';
import { lifetimeTable, type Run, ratioTable, reasonTable, scenarioTable, summaryTable } from './accuracy/tables.ts';
import { nethogs, pcapid, poller, type Tool } from './accuracy/tools.ts';

const OPTIONS = {
  sources: { type: 'string', multiple: true }, // layers of pcapid; may be repeated (default: auto)
  peers: { type: 'string', default: '' }, // some of poll100,poll1000,nethogs
  repeat: { type: 'string', default: '60' }, // of each short scenario; 0: no mixed load
  gap: { type: 'string', default: '4000' }, // µs between two
  scenarios: { type: 'string', default: '' }, // words of their names or sets: 'held,old' are those that live long
  long: { type: 'string', default: '0' }, // of each scenario that lives 100 ms or longer, as a load of its own: 100 take 30 s
  storm: { type: 'string', default: '0' }, // ends of sockets back to back, as a load of its own
  rounds: { type: 'string', default: '1' }, // medians over them
  crowd: { type: 'string', default: '300x50' }, // idle processes x descriptors of each
  misses: { type: 'string', default: '0' }, // how many ends that were not named rightly are printed
  write: { type: 'boolean', default: false }, // docs/accuracy.md
} as const;

const { values: options } = parseArgs({ options: OPTIONS });
const { scenarios } = options;
const LONG = '100 to 500,3 s,older';
const loads: readonly Load[] = [
  ...(options.repeat === '0'
    ? []
    : [{ repeat: Number(options.repeat), gapUs: Number(options.gap), storm: 0, scenarios }]),
  ...(options.long === '0' ? [] : [{ repeat: Number(options.long), gapUs: 4000, storm: 0, scenarios: LONG }]),
  ...(options.storm === '0' ? [] : [{ repeat: 0, gapUs: 0, storm: Number(options.storm), scenarios }]),
];
const titleOf = (load: Load): string => {
  if (load.storm > 0) return 'Sockets back to back, without gaps';
  if (load.scenarios === LONG) return 'Sockets that live 100 ms or longer';
  return load.scenarios === '' ? 'Every scenario' : `Scenarios: ${load.scenarios}`;
};

const stage = new Stage();
const folder = mkdtempSync(join(tmpdir(), 'pcapid-accuracy-'));
void runAll().finally(() => {
  killChildren();
  stage.close();
  rmSync(folder, { recursive: true });
});

async function runAll(): Promise<void> {
  const [processes, descriptors] = options.crowd.split('x').map(Number);
  await stage.startCrowd(processes ?? 0, descriptors ?? 0);
  const runs: Run[] = [];
  for (let round = 1; round <= Number(options.rounds); round++)
    for (const load of loads)
      for (const tool of toolsFor(load)) {
        const others = loadavg()[0]!.toFixed(1); // above 1 the figures are those of a busy machine
        const run = await runOnce(tool, load, join(folder, `${runs.length}`));
        const { judged, wallS, remark } = run;
        runs.push(run);
        console.error(
          `round ${round}: ${tool.name}: ${judged.length} ends in ${wallS.toFixed(1)} s, load before ${others}, ${remark}`,
        );
        printMisses(run, Number(options.misses));
      }
  const text = loads.map((load) => section(load, runs)).join('\n\n');
  console.log(text);
  if (options.write) writeFileSync('docs/accuracy.md', `${introduction()}\n\n${text}\n`);
}

/** nethogs would need minutes for what a storm leaves behind. */
function toolsFor({ storm }: Load): readonly Tool[] {
  const peers: Readonly<Record<string, () => Tool>> = {
    poll100: () => poller(stage, 100),
    poll1000: () => poller(stage, 1000),
    nethogs,
  };
  const wanted = options.peers.split(',').filter((name) => name !== '' && (storm === 0 || name !== 'nethogs'));
  const unknown = wanted.find((name) => peers[name] === undefined);
  if (unknown !== undefined) throw new Error(`--peers ${unknown}: none of ${Object.keys(peers).join(' ')}`);
  return [...(options.sources ?? ['auto']).map(pcapid), ...wanted.map((name) => peers[name]!())];
}

async function runOnce(tool: Tool, load: Load, place: string): Promise<Run> {
  mkdirSync(place);
  const [log, cost] = [join(place, 'truth'), join(place, 'cost')];
  const go = await stage.startWorkload(log, load);
  const stop = await tool.start(place, cost);
  const startedMs = performance.now();
  await go();
  const wallS = (performance.now() - startedMs) / 1000;
  const answer = await stop();
  const judged = readTruth(log).map(answer.judge);
  const run = {
    tool: tool.name,
    load: titleOf(load),
    judged,
    cost: readCost(cost),
    wallS,
    remark: answer.remark,
    pace: answer.pace ?? 1,
  };
  rmSync(place, { recursive: true });
  return run;
}

function printMisses({ judged, tool }: Run, count: number): void {
  const missed = judged.filter(({ verdict }) => verdict !== 'named').slice(0, count);
  for (const { end, verdict, reason, pids } of missed)
    console.error(`${tool}: ${verdict} ${reason} ${pids.join(' ')}`, JSON.stringify(end));
}

function section(load: Load, runs: readonly Run[]): string {
  const own = runs.filter((run) => run.load === titleOf(load));
  const [first] = own;
  const parts = [
    `## ${titleOf(load)}`,
    `${first?.judged.length ?? 0} ends of sockets in ${first?.wallS.toFixed(0)} s; medians of ${options.rounds} rounds.`,
    summaryTable(own),
    ratioTable(own, '/proc each 100 ms'),
    ...(load.storm > 0 ? [] : [scenarioTable(own), lifetimeTable(own)]),
    reasonTable(own),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function introduction(): string {
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout?.trim() || 'unknown';
  const machine = `Linux ${release()}, ${cpus().length} CPUs, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`;
  return `# How many ends are named, and how many wrongly

Written by \`npm run bench:accuracy -- ${process.argv.slice(2).join(' ')}\` on ${new Date().toISOString().slice(0, 10)}, ${machine}, commit
${commit}. Repeat it as root on a machine that does nothing else; it makes network namespaces of its own and deletes them.

The workload (\`test/bench/accuracy/workload.c\`) makes sockets of every kind of ownership and logs for each end which process
really sent and received on it: pid, start ticks, both addresses and ports, times, octets. Every end is looked up in what the
tool stored, by exact tuple and time. **named**: that pid and start time. **parent**: instead its parent, or the process that
made the socket. **wrong**: any other. **none**: no process. Bytes are the payload of the ends. CPU and memory are of the
whole tool, from its start to its end, while ${options.crowd.replace('x', ' idle processes hold ')} descriptors each.

Peers: \`/proc each N ms\` reads all of /proc/net and /proc/PID/fd that often (\`test/bench/accuracy/poller.c\`) and names an end by
its exact tuple, else by who has the port. nethogs prints processes, not connections: an end counts as named when its process
was listed at all, so its numbers are upper limits.`;
}
