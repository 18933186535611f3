import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Child, killChildren, startChild } from '../../support/child.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { type Recording, startRecording } from '../../support/recording.ts';
import { readFlows } from '../../support/stored-flows.ts';
import { waitFor } from '../../support/wait.ts';

const SCRIPT = join('test', 'live', 'record', 'unusual_sockets.py');
const EPROTONOSUPPORT = 93;
const ENOPROTOOPT = 92; // net.mptcp.enabled is 0

interface Said {
  readonly role?: 'client' | 'server';
  readonly pid?: number;
  readonly port?: number;
  readonly errno?: number;
}

async function said(child: Child, lines: number): Promise<readonly Said[]> {
  const all = (): readonly string[] => child.out().split('\n').slice(0, -1);
  await waitFor(() => all().length >= lines || child.out().includes('errno'), 10_000, `the workload ${child.err()}`);
  return all().map((line) => JSON.parse(line) as Said);
}

async function finish(recording: Recording): Promise<void> {
  await recording.nextTick();
  await recording.stop();
}

describe('pcapid record', { skip: netnsMissing() || realRootMissing() }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  test('names both ends of a multipath connection, of which packets show subflows only', async (t) => {
    const netns = lab.create();
    const recording = await startRecording(['-i', 'lo'], { netns });
    const ends = await said(startChild(netns.command('python3', SCRIPT, 'multipath')), 2);
    await finish(recording);
    if (!existsSync('/proc/sys/net/mptcp/enabled') || ends[0]?.errno !== undefined) {
      assert.ok([EPROTONOSUPPORT, ENOPROTOOPT].includes(ends[0]?.errno ?? 0));
      return t.diagnostic('this kernel has no multipath TCP');
    }
    const by = (wanted: string): Said => ends.find(({ role }) => role === wanted)!;
    const [flow, ...more] = readFlows(recording.database).filter(({ src }) => src.port === by('client').port);
    assert.deepEqual(more, []);
    assert.deepEqual([flow?.src.pid, flow?.dst.pid], [by('client').pid, by('server').pid]);
  });

  for (const sources of ['auto', 'diag,proc'])
    test(`names who sends fragments and extension headers, --sources ${sources}`, async () => {
      const netns = lab.create();
      netns.exec('ip', 'link', 'set', 'lo', 'mtu', '1500');
      const recording = await startRecording(['-i', 'lo', '--sources', sources], { netns });
      const child = startChild(netns.command('python3', SCRIPT, 'headers'), { keepInput: true });
      const ends = await said(child, 3);
      const flowOf = ({ port }: Said) => readFlows(recording.database).find(({ src }) => src.port === port);
      const isNamed = (end: Said): boolean => flowOf(end)?.src.pid === end.pid;
      await waitFor(() => ends.every(isNamed), 15_000, 'the senders to be named').catch(() => {}); // told below
      await recording.stop();
      const flows = ends.map(flowOf);
      assert.deepEqual(
        flows.map((flow) => flow?.src.pid),
        ends.map(({ pid }) => pid),
        flows.map((flow) => flow?.src.reason).join(' '),
      );
      const packets = flows.map((flow) => flow!.origPackets).sort((a, b) => a - b);
      assert.ok(packets[0] === 1 && packets[1]! > 30, `every fragment is in the flow of its datagram: ${packets}`);
    });

  for (const sources of ['auto', 'diag,proc'])
    test(`names a process of another pid namespace by its pid here, --sources ${sources}`, async () => {
      const netns = lab.create();
      const recording = await startRecording(['-i', 'lo', '--sources', sources], { netns });
      const inner = ['unshare', '--pid', '--fork', '--mount-proc', 'python3', SCRIPT, 'datagram'];
      const child = startChild(netns.command(...inner), { keepInput: true });
      const [end] = await said(child, 1);
      assert.equal(end?.pid, 1, 'inside it is the first process');
      const here = innerPid(child.pid);
      const flow = () => readFlows(recording.database).find(({ src }) => src.port === end.port);
      const isNamed = (): boolean => typeof flow()?.src.pid === 'number' && typeof flow()?.dst.pid === 'number';
      await waitFor(isNamed, 15_000, 'the descriptors of all processes to be read').catch(() => {}); // told below
      await recording.stop();
      const { src, dst } = flow()!;
      assert.deepEqual([src.pid, dst.pid], [here, here], `${src.reason} ${dst.reason}`);
    });
});

/** What unshare(1) has forked: 1 in a pid namespace of its own. */
function innerPid(unshare: number): number {
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const file = `/proc/${name}/status`;
    const status = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (status.includes(`\nPPid:\t${unshare}\n`) && /^NSpid:\t\d+\t1$/m.test(status)) return Number(name);
  }
  throw new Error('no process of another pid namespace');
}
