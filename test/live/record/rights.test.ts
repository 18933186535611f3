/** What `pcapid record` can do with each set of capabilities, run by nobody while root's processes talk. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { killChildren } from '../../support/child.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { asNobody, nobodyMissing } from '../../support/nobody.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { type Recording, startRecording, temporaryDatabase } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { readFlows } from '../../support/stored-flows.ts';
import { startWorkload } from '../../support/workload.ts';

const WRITABLE = 0o777; // for nobody
const BPF = ['net_raw', 'bpf', 'net_admin', 'perfmon'] as const;

/** What is said of the two ends of root's connections. */
interface Answer {
  readonly src: readonly string[]; // each answer once
  readonly dst: readonly string[];
}

const UNNAMED = ['none, user 0']; // no-permission, or closed-before-scan when the scan was slow
const NOTHING: Answer = { src: UNNAMED, dst: UNNAMED };
const ALL_BY_BPF: Answer = { src: ['client (bpf)'], dst: ['server (bpf)'] };

/** What the kernel allows with each set; NET_RAW is what the capture needs. */
const ROWS: readonly (readonly [capabilities: readonly string[], Answer])[] = [
  [['net_raw'], NOTHING],
  [['net_raw', 'sys_ptrace'], NOTHING],
  [['net_raw', 'sys_ptrace', 'dac_read_search'], { src: ['client (diag)'], dst: ['server (diag)'] }],
  [['net_raw', 'bpf'], NOTHING],
  [BPF, ALL_BY_BPF],
  [['net_raw', 'sys_admin'], ALL_BY_BPF],
];

describe('pcapid record with the rights of nobody and', { skip: skipReason(), concurrency: 3 }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  for (const [capabilities, expected] of ROWS)
    test(`${capabilities.join(', ')}: says what those allow`, async () => {
      const netns = lab.create();
      const before = asNobody(...capabilities);
      const recording = await startRecording(['-i', 'lo'], { netns, before, database: temporaryDatabase(WRITABLE) });
      const server = startWorkload(['tcp-server', 23], netns);
      const words = ['tcp-clients', 23, '--hold', 1, '--port', await server.port()];
      const [client] = await startWorkload(words, netns).sockets();
      await server.sockets();
      await recording.stop();
      const names = new Map([
        [client!.pid, 'client'],
        [server.child.pid, 'server'],
      ]);
      assert.deepEqual(answerOf(recording, names), expected);
    });

  test('all that BPF needs but net_raw: cannot capture, says so and leaves no database', async () => {
    const database = temporaryDatabase(WRITABLE);
    const words = ['record', '-i', 'lo', '--db', database];
    const { code, err } = await runPcapid(words, { before: asNobody('bpf', 'net_admin', 'perfmon', 'sys_admin') });
    assert.equal(code, 2);
    assert.match(err, /^pcapid: no right to capture packets/m);
    assert.ok(!existsSync(database));
  });
});

function answerOf({ database }: Recording, names: ReadonlyMap<number, string>): Answer {
  const flows = readFlows(database);
  assert.equal(flows.length, 23);
  const said = (side: 'src' | 'dst'): readonly string[] => {
    const words = flows.map(({ [side]: { pid, source, uid } }) =>
      pid === null ? `none, user ${uid}` : `${names.get(pid) ?? pid} (${source})`,
    );
    return [...new Set(words)];
  };
  return { src: said('src'), dst: said('dst') };
}

function skipReason(): string | false {
  return netnsMissing() || nobodyMissing() || realRootMissing();
}
