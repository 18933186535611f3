/** Results as tables of Markdown: medians over rounds, shares in percent. */

import { lifeUs, type TrueEnd } from '../../support/true-ends.ts';
import { GROUPS, type Judged, type Score, score, type Verdict } from '../../support/verdict.ts';
import { median } from '../measure.ts';
import type { Cost } from './measured.ts';

/** One run of one tool beside the workload. */
export interface Run {
  readonly tool: string;
  readonly load: string;
  readonly judged: readonly Judged[];
  readonly cost: Cost;
  readonly wallS: number; // of the workload
  readonly remark: string;
  readonly pace: number; // share of the work that was due and that the tool did, 0 to 1
}

type Runs = readonly Run[];

const percent = (share: number): string => {
  const text = (share * 100).toFixed(2);
  return text === '100.00' && share < 1 ? '99.99' : text.replace(/\.00$/, ''); // 100 is said of all only
};

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const header = (...cells: readonly string[]): string => `${row(cells)}\n${row(cells.map(() => '---'))}`;

/** Tools in order, each with its runs. */
function byTool(runs: Runs): ReadonlyMap<string, Runs> {
  const names = [...new Set(runs.map(({ tool }) => tool))];
  return new Map(names.map((name) => [name, runs.filter(({ tool }) => tool === name)]));
}

function medianOf(runs: Runs, wanted: (end: TrueEnd) => boolean, pick: (score: Score) => number): number {
  return median(runs.map(({ judged }) => pick(score(judged.filter(({ end }) => wanted(end))))));
}

/** Named, wrong, parent, none of the groups of ends, and what the tool cost. */
export function summaryTable(runs: Runs): string {
  const verdicts: readonly Verdict[] = ['named', 'wrong', 'parent', 'none'];
  const lines = [
    header('tool', 'ends', 'count', ...verdicts.map((word) => `${word} %`), 'bytes named %', 'CPU s', 'peak MiB'),
  ];
  for (const [tool, own] of byTool(runs))
    for (const [group, wanted] of Object.entries(GROUPS)) {
      const count = medianOf(own, wanted, (s) => s.count);
      if (count === 0) continue;
      const share = (pick: (score: Score) => number): string => percent(medianOf(own, wanted, pick));
      const cost = group === 'all' ? costCells(own) : ['', ''];
      const shares = verdicts.map((word) => share((s) => s.shares[word]));
      lines.push(row([tool, group, count, ...shares, share((s) => s.byteShares.named), ...cost]));
    }
  return lines.join('\n');
}

const costCells = (runs: Runs): readonly string[] => [
  median(runs.map(({ cost }) => cost.cpuS)).toFixed(2),
  median(runs.map(({ cost }) => cost.rssMiB)).toFixed(0),
];

/**
 * CPU of each tool for one second of a peer's. A machine that is too busy for the peer's pace does not make it cheap: what
 * it would have used is compared.
 */
export function ratioTable(runs: Runs, peer: string): string {
  const tools = byTool(runs);
  const peers = tools.get(peer) ?? [];
  if (peers.length === 0) return '';
  const fullS = median(peers.map(({ cost, pace }) => cost.cpuS / pace));
  const lines = [header('tool', `CPU, that of ${peer} at its full pace being 1`)];
  for (const [tool, own] of tools)
    if (tool !== peer) lines.push(row([tool, (median(own.map(({ cost }) => cost.cpuS)) / fullS).toFixed(2)]));
  return lines.join('\n');
}

/** Share named per scenario and side, a column a tool. */
export function scenarioTable(runs: Runs): string {
  const tools = byTool(runs);
  const ends = runs[0]?.judged.map(({ end }) => end) ?? [];
  const names = [...new Set(ends.map(({ scenario }) => scenario))];
  const lines = [header('named %', 'side', ...tools.keys())];
  for (const name of names)
    for (const side of ['client', 'server'] as const) {
      const wanted = (end: TrueEnd): boolean => end.scenario === name && end.side === side;
      const cells = [...tools.values()].map((own) => {
        const share = (pick: (score: Score) => number): number => medianOf(own, wanted, pick);
        const bad = share((s) => s.shares.wrong + s.shares.parent);
        return percent(share((s) => s.shares.named)) + (bad > 0 ? ` (${percent(bad)} wrong)` : '');
      });
      lines.push(row([name, side, ...cells]));
    }
  return lines.join('\n');
}

const BORDERS_MS = [1, 5, 20, 50, 100, 200, 510] as const;

/** Share of the client ends named, by how long they lived. */
export function lifetimeTable(runs: Runs): string {
  const tools = byTool(runs);
  const lives = (end: TrueEnd, fromMs: number, toMs: number): boolean =>
    end.scenario.includes(' lives ') &&
    end.side === 'client' &&
    lifeUs(end) >= fromMs * 1e3 &&
    lifeUs(end) < toMs * 1e3;
  const lines = [header('client lives', 'count', ...tools.keys())];
  BORDERS_MS.forEach((toMs, i) => {
    const fromMs = BORDERS_MS[i - 1] ?? 0;
    const wanted = (end: TrueEnd): boolean => lives(end, fromMs, toMs);
    const count = medianOf(runs, wanted, (s) => s.count);
    const cells = [...tools.values()].map((own) => percent(medianOf(own, wanted, (s) => s.shares.named)));
    if (count > 0) lines.push(row([`${fromMs} to ${toMs} ms`, count, ...cells]));
  });
  return lines.join('\n');
}

/** Why ends were not named, over all runs of each tool. */
export function reasonTable(runs: Runs): string {
  const lines = [header('tool', 'why not named (ends over all rounds)')];
  for (const [tool, own] of byTool(runs)) {
    const counts = new Map<string, number>();
    for (const { reason, verdict } of own.flatMap(({ judged }) => judged))
      if (verdict === 'none') counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const words = [...counts].sort(([, a], [, b]) => b - a).map(([reason, count]) => `${reason} ${count}`);
    if (words.length > 0) lines.push(row([tool, words.join(', ')]));
  }
  return lines.join('\n');
}
