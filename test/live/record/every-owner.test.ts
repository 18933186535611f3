/** Every kind of ownership that test/bench/accuracy/workload.c can make, three times each, with each set of layers. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { killChildren } from '../../support/child.ts';
import { netnsMissing } from '../../support/netns.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { startRecording } from '../../support/recording.ts';
import { storedEnds } from '../../support/said-ends.ts';
import { query } from '../../support/stored-flows.ts';
import { lifeUs, readTruth, type TrueEnd } from '../../support/true-ends.ts';
import { LOAD_FILTER, Stage } from '../../support/true-workload.ts';
import { type Judged, judge } from '../../support/verdict.ts';

const LOAD = { repeat: 3, gapUs: 3000, storm: 0 };

/** Records the workload in all namespaces. @returns what was said of each end, and how many new processes nobody looked at */
async function recordAll(stage: Stage, folder: string, sources: string): Promise<readonly [readonly Judged[], number]> {
  const log = join(folder, sources);
  const go = await stage.startWorkload(log, LOAD);
  const recording = await startRecording(['-i', 'any', '--netns', 'all', '--sources', sources, LOAD_FILTER]);
  await go();
  await recording.nextTick();
  await recording.stop();
  const ends = storedEnds(recording.database);
  const skipped = Number(query(recording.database, 'SELECT looks_skipped AS n FROM capture')[0]!.n);
  return [readTruth(log).map((end) => judge(end, ends.of(end))), skipped];
}

/** Words for each end that `wanted` chooses and that is not named with its process. */
function misses(judged: readonly Judged[], wanted: (end: TrueEnd) => boolean): readonly string[] {
  const chosen = judged.filter(({ end }) => wanted(end));
  assert.ok(chosen.length > 0, 'the workload made none of these');
  return describeAll(chosen.filter(({ verdict }) => verdict !== 'named'));
}

const wrongNames = (judged: readonly Judged[]): readonly string[] =>
  describeAll(judged.filter(({ verdict }) => verdict === 'wrong' || verdict === 'parent'));

function describeAll(judged: readonly Judged[]): readonly string[] {
  return judged.map(({ end, verdict, reason, pids }) => {
    const { scenario, side, protocol, local, remote, pid } = end;
    return `${scenario}, ${side} ${protocol} ${local} ${remote} of ${pid}: ${verdict} ${reason}${pids}`;
  });
}

/** A rule, and the scenarios that break when it is broken. */
const RULES: readonly (readonly [sentence: string, scenarios: RegExp])[] = [
  ['names clients and their servers over both families', /^(TCP|UDP one-shot) v[46]$/],
  ['takes ::ffff:a.b.c.d for IPv4 at clients and at servers of both families', /v6 socket to v4|dual-stack/],
  ['names the child that serves a connection, not the parent that accepted or closed it', /^TCP server forks/],
  ['names the worker that accepted, not who made the listener', /prefork|activation/],
  ['names the one of several sockets on a port that the kernel chose', /SO_REUSEPORT/],
  ['names processes that are gone before anybody can look', /exits at once|fork and exec|of a child/],
  ['names who used a socket, not who made it', /of parent|by parent/],
  ['names who was given a socket before it was used, and both when it was passed on later', /passed/],
  ['keeps processes apart that use the same tuple within milliseconds', /port again/],
  ['names who sent without calling send', /io_uring|sendfile/],
  ['names who answered a datagram', /answered/],
  ['names both ends inside another namespace', /in another namespace/],
  ['names both ends of what passes a veth, each once', /to the host|from the host/],
  ['names both ends of what passes a bridge and a masquerade', /masqueraded/],
  ['names sockets of any lifetime', / lives /],
  ['names connections that are older than the recording', /older/],
];

describe('pcapid record names every owner', { skip: netnsMissing() || realRootMissing() }, () => {
  const stage = new Stage();
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-owners-'));
  let judged: readonly Judged[] = [];
  before(async () => {
    [judged] = await recordAll(stage, folder, 'auto');
  });
  after(() => {
    killChildren();
    stage.close();
    rmSync(folder, { recursive: true });
  });

  for (const [sentence, scenarios] of RULES)
    test(`with all layers it ${sentence}`, () => {
      assert.deepEqual(
        misses(judged, ({ scenario }) => scenarios.test(scenario)),
        [],
      );
    });

  test('every scenario of the workload belongs to a rule', () => {
    const left = judged.filter(({ end }) => !RULES.some(([, scenarios]) => scenarios.test(end.scenario)));
    assert.deepEqual([...new Set(left.map(({ end }) => end.scenario))], []);
  });

  // Only tracing sees who uses a socket that somebody else has open too, and is gone before anybody can look.
  test('without tracing it names all clients, and nobody wrongly unless a connected socket was given away', async () => {
    const [called] = await recordAll(stage, folder, 'cgroup,diag,proc');
    assert.deepEqual(wrongNames(called.filter(({ end }) => !/passed|connected by parent/.test(end.scenario))), []);
    // Who made the socket is not who used it; and whoever forks is not believed to use what it opened.
    const others = /of parent|by parent|passed|exec| lives /;
    assert.deepEqual(
      misses(called, ({ side, scenario }) => side === 'client' && !others.test(scenario)),
      [],
    );
  });

  test('without BPF it names what lives a second in this namespace, and nobody wrongly unless a socket was passed on', async () => {
    const [scanned, skipped] = await recordAll(stage, folder, 'diag,proc');
    // A child that nobody had the time to look at is not known to have had what its parent had.
    const givenAway = skipped > 0 ? /passed|(of|by) parent/ : /passed/;
    assert.deepEqual(wrongNames(scanned.filter(({ end }) => !givenAway.test(end.scenario))), []);
    assert.deepEqual(
      misses(scanned, (end) => lifeUs(end) >= 1_000_000),
      [],
    );
  });
});
