/** What `npm start` says: one sentence about what is missing, and what to try next. Pure. */
import type { UserError } from '../core/errors.ts';
import { formatEnd, type Row, textOf } from '../report/columns.ts';
import { formatOwner, otherSide, ownSide } from '../report/flow-columns.ts';

/** One sentence: what is missing and what to do about it. */
export function troubleWords(trouble: UserError, isRoot: boolean, node: string): string {
  switch (trouble.code) {
    case 'no-capture-right':
      if (isRoot)
        return 'Root may not capture here: give the container CAP_NET_RAW (docker run --cap-add=NET_RAW ...).';
      return `Capturing needs root or CAP_NET_RAW, which this user has not: to see this host, run ${startAsRoot(node)}`;
    case 'no-libpcap':
      return 'Capturing needs libpcap, which is not installed: to see this host, run apt-get install libpcap0.8 as root.';
    case 'no-addon':
      return 'Capturing needs the native addon, which is missing or does not fit: to see this host, run npm run build:native';
    default:
      return `Capturing does not work here: ${trouble.message}. ${trouble.hint}`;
  }
}

/** sudo has a search path of its own, in which only a node of the system is found. */
function startAsRoot(node: string): string {
  return /^\/usr\/(local\/)?bin\//.test(node) ? 'sudo npm start' : 'sudo env "PATH=$PATH" npm start';
}

/** For a recording in which no packet passed. */
export function quietWords(): string {
  return `No packet passed meanwhile. Make some in another terminal and start again:
  npm start & sleep 3; curl -sI https://example.org; ping -c 3 localhost; wait
`;
}

type Step = readonly [command: string, what: string];

/** @param flows records of the recording, the largest first; @param folder where the commands work, if that is elsewhere */
export function liveSteps(flows: readonly Row[], flag: string, folder: string | undefined): string {
  const known = flows.find((row) => row.src_pid !== null || row.dst_pid !== null) ?? flows[0]!;
  const side = ownSide(known);
  const remote = otherSide(side);
  const end = formatEnd(textOf(known, `${remote}_addr`), textOf(known, `${remote}_port`));
  const owner = known[`${side}_pid`] === null ? 'whose connection that is' : `why it says ${formatOwner(known, side)}`;
  return stepsText(folder, [
    [`npx pcapid flows --since 10m${flag}`, 'who talked to whom'],
    [`npx pcapid who ${end.startsWith('[') ? `'${end}'` : end}${flag}`, owner],
    ['npx pcapid sockets', 'what is open now, and by whom'],
  ]);
}

export function demoSteps(database: string, folder: string | undefined): string {
  return stepsText(folder, [
    [`npx pcapid flows --db ${database}`, 'who talked to whom'],
    [`npx pcapid who 198.51.100.20:9100 --db ${database}`, 'an owner, and two that share a socket'],
    [`npx pcapid usage --by remote --db ${database}`, 'bytes per address'],
  ]);
}

function stepsText(folder: string | undefined, steps: readonly Step[]): string {
  const width = Math.max(...steps.map(([command]) => command.length));
  const lines = steps.map(([command, what]) => `  ${command.padEnd(width)}  ${what}\n`);
  return `\nTry next${folder === undefined ? '' : ` (in ${folder})`}:\n${lines.join('')}`;
}
