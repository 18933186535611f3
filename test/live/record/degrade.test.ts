import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { killChildren } from '../../support/child.ts';
import { type Netns, NetnsLab, netnsMissing } from '../../support/netns.ts';
import { asNobody, NOBODY, nobodyMissing } from '../../support/nobody.ts';
import { startRecording, temporaryDatabase } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { readFlows, type StoredFlow } from '../../support/stored-flows.ts';
import { startWorkload } from '../../support/workload.ts';

const WRITABLE = 0o777; // for nobody

/** A server of root's and 23 connections to it, held for `holdS` seconds by whom `before` makes of the client. */
async function connections(netns: Netns, holdS: number, before: readonly string[] = []) {
  const server = startWorkload(['tcp-server', 23], netns);
  const words = ['tcp-clients', 23, '--hold', holdS, '--port', await server.port()];
  const path = ['env', 'PATH=/usr/local/bin:/usr/bin:/bin']; // root's may lead where others must not go
  const clients = await startWorkload(words, netns, [...before, ...path]).sockets();
  await server.sockets();
  return { client: clients[0]!.pid, server: server.child.pid };
}

/** What is said of one end of all flows, each answer once. */
function answers(flows: readonly StoredFlow[], side: 'src' | 'dst'): readonly string[] {
  return [...new Set(flows.map(({ [side]: end }) => `${end.pid ?? `${end.reason}, user ${end.uid}`}`))];
}

describe('pcapid record with fewer rights', { skip: netnsMissing() || nobodyMissing(), concurrency: 3 }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  test('none at all: says so, and what helps, and leaves no database', async () => {
    const database = temporaryDatabase(WRITABLE);
    const { code, err } = await runPcapid(['record', '-i', 'lo', '--db', database], { before: asNobody() });
    assert.equal(code, 2);
    assert.match(err, /^pcapid: no right to capture packets/m);
    assert.match(err, /setpriv .*net_raw/);
    assert.doesNotMatch(err, /^ +at /m, 'a stack');
    assert.doesNotMatch(err, /^recording/m);
    assert.ok(!existsSync(database));
  });

  test('only NET_RAW: names the processes of its own user, and the user of all others', async () => {
    const netns = lab.create();
    const options = { netns, before: asNobody('net_raw'), database: temporaryDatabase(WRITABLE) };
    const recording = await startRecording(['-i', 'lo'], options);
    const { client } = await connections(netns, 1, asNobody());
    const { err } = await recording.stop();
    const flows = readFlows(recording.database);
    assert.equal(flows.length, 23);
    assert.deepEqual(answers(flows, 'src'), [`${client}`]);
    assert.deepEqual(answers(flows, 'dst'), ['no-permission, user 0']);
    assert.deepEqual([...new Set(flows.map(({ src }) => src.uid))], [NOBODY]);
    assert.match(err, /proc-fd .*EACCES/);
  });

  test('NET_RAW, SYS_PTRACE and DAC_READ_SEARCH: names all', async () => {
    const netns = lab.create();
    const before = asNobody('net_raw', 'sys_ptrace', 'dac_read_search');
    const recording = await startRecording(['-i', 'lo'], { netns, before, database: temporaryDatabase(WRITABLE) });
    const { client, server } = await connections(netns, 1);
    await recording.stop();
    const flows = readFlows(recording.database);
    assert.deepEqual([answers(flows, 'src'), answers(flows, 'dst')], [[`${client}`], [`${server}`]]);
  });
});

describe('pcapid record with fewer sources', { skip: netnsMissing(), concurrency: 2 }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  for (const source of ['proc', 'diag'] as const) {
    test(`only ${source}: names connections that live for a second and a half`, async () => {
      const netns = lab.create();
      const recording = await startRecording(['-i', 'lo', '--sources', source], { netns });
      const { client, server } = await connections(netns, 1.5);
      await recording.stop();
      const flows = readFlows(recording.database);
      assert.equal(flows.length, 23);
      assert.deepEqual([answers(flows, 'src'), answers(flows, 'dst')], [[`${client}`], [`${server}`]]);
      assert.deepEqual([...new Set(flows.flatMap(({ src, dst }) => [src.source, dst.source]))], [source]);
    });
  }
});
