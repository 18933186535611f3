/** `pcapid explain` of connections whose owners, and whoever else had to do with them, are known. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { killChildren, startChild } from '../../support/child.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { startRecording } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { readFlows } from '../../support/stored-flows.ts';

const SCRIPT = join(process.cwd(), 'test', 'live', 'forensics', 'explained_workload.py');

interface Person {
  readonly pid: number;
  readonly role: string;
  readonly named: boolean;
  readonly lost_because: string | null;
}

interface Socket {
  readonly chosen: boolean;
  readonly lost_because: string | null;
  readonly state: string;
  readonly people: readonly Person[];
}

interface End {
  readonly sockets: readonly Socket[];
  readonly parent: Person | null;
  readonly rules: readonly { readonly rule: string }[];
  readonly check: { readonly verdict: string };
}

describe('pcapid explain', { skip: netnsMissing() || realRootMissing() }, () => {
  const lab = new NetnsLab();
  const truth = new Map<string, Record<string, number>>();
  let database = '';
  after(() => {
    killChildren();
    lab.close();
  });

  before(async () => {
    const netns = lab.create();
    const recording = await startRecording(['-i', 'lo'], { netns });
    const child = startChild(netns.command('python3', SCRIPT));
    const { code, err } = await child.done;
    assert.equal(code, 0, err);
    await recording.nextTick();
    await recording.stop();
    database = recording.database;
    for (const line of child.out().trim().split('\n')) {
      const told = JSON.parse(line);
      truth.set(told.case, told);
    }
  });

  /** Both ends of every flow of that client port, in the order of time. */
  async function explained(port: number): Promise<readonly (readonly [src: End, dst: End])[]> {
    const ids = readFlows(database).filter(({ src }) => src.port === port);
    const ordered = ids.sort((a, b) => a.firstUs - b.firstUs);
    const ends: [End, End][] = [];
    for (const { id } of ordered) {
      const { out, err, code } = await runPcapid(['explain', String(id), '--db', database, '--format', 'json']);
      assert.equal(code, 0, err);
      ends.push(JSON.parse(out).ends);
    }
    return ends;
  }

  const namedOf = ({ sockets }: End) =>
    sockets.flatMap(({ chosen, people }) => people.filter(({ named }) => chosen && named)).map(pidOf);
  const pidOf = ({ pid }: Person): number => pid;
  const lostOf = ({ sockets }: End) =>
    sockets.flatMap(({ people }) => people.filter(({ lost_because }) => lost_because !== null));

  test('gives the stored answer again for every end, by tuple and time alone', async () => {
    for (const { id } of readFlows(database)) {
      const { out } = await runPcapid(['explain', String(id), '--db', database, '--format', 'json']);
      for (const { check } of JSON.parse(out).ends as End[]) assert.equal(check.verdict, 'agrees', out);
    }
  });

  test('names the child that answered; the listener of its parent lost', async () => {
    const { port, client, named, parent } = truth.get('forked')!;
    const [[src, dst] = [], ...others] = await explained(port!);
    assert.deepEqual(others, []);
    assert.deepEqual([namedOf(src!), namedOf(dst!)], [[client], [named]]);
    const listener = dst!.sockets.find(({ state }) => state === 'LISTEN');
    assert.deepEqual([listener?.lost_because, listener?.people.map(pidOf)], ['is-listener', [parent]]);
    assert.match(dst!.rules.map(({ rule }) => rule).join(' '), /^cookie there-then acted-/);
  });

  test('names the process of each part of a connection that was handed over; the other acted earlier or later', async () => {
    const { port, first, second } = truth.get('handed-over')!;
    const [[, before] = [], [, later] = [], ...others] = await explained(port!);
    assert.deepEqual(others, []);
    assert.deepEqual([namedOf(before!), namedOf(later!)], [[first], [second]]);
    assert.deepEqual(
      [before!, later!].map((end) => lostOf(end).map(({ pid, lost_because }) => [pid, lost_because])),
      [[[second, 'acted-later']], [[first, 'acted-earlier']]],
    );
  });

  test('names the client of each time that a tuple was used; the socket of the other lost by time', async () => {
    const { port, first, second } = truth.get('reused')!;
    const [[before] = [], [later] = []] = await explained(port!);
    assert.deepEqual([namedOf(before!), namedOf(later!)], [[first], [second]]);
    const others = [before!, later!].map(({ sockets }) => sockets.filter(({ chosen }) => !chosen));
    assert.deepEqual(
      others.map((list) => list.map(({ lost_because, people }) => [lost_because, ...people.map(pidOf)])),
      [[['came-after', second]], [['closed-before', first]]],
    );
  });

  test('names the one of two listeners on a port that answered; both listening sockets lost', async () => {
    const { port, named } = truth.get('shared-port')!;
    const [[, dst] = []] = await explained(port!);
    assert.deepEqual(namedOf(dst!), [named]);
    const listeners = dst!.sockets.filter(({ state }) => state === 'LISTEN');
    assert.deepEqual(
      listeners.map(({ lost_because }) => lost_because),
      ['is-listener', 'is-listener'],
    );
  });
});
