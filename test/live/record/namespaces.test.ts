import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { killChildren } from '../../support/child.ts';
import { type Netns, NetnsLab, netnsMissing } from '../../support/netns.ts';
import { type Sent, sendOddTraffic } from '../../support/odd-traffic.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { startRecording } from '../../support/recording.ts';
import { query } from '../../support/stored-flows.ts';
import { waitFor } from '../../support/wait.ts';

const PORT = 6000;
const COUNT = 23;

/** Rows of flow_record between the two ports of `odd_traffic.py pair`. */
function pairRows(database: string) {
  const sql = `SELECT netns, src_pid, dst_pid, orig_packets, reply_packets FROM flow_record
    WHERE src_port = ${PORT} AND dst_port = ${PORT + 1} ORDER BY netns`;
  return query(database, sql);
}

async function sendPair(netns: Netns): Promise<readonly Sent[]> {
  const { child, sent } = await sendOddTraffic(['pair', COUNT, '--port', PORT], netns, { lines: 2 });
  await child.stop('SIGTERM');
  return sent;
}

/** What should be stored of that pair. */
function rowOf(netns: Netns, sent: readonly Sent[]) {
  const pidOf = (wanted: string): number => sent.find(({ role }) => role === wanted)!.pid;
  return {
    netns: statSync(netns.path).ino,
    src_pid: pidOf('sender'),
    dst_pid: pidOf('receiver'),
    orig_packets: COUNT,
    reply_packets: 0,
  };
}

const byNetns = (a: { readonly netns: number }, b: { readonly netns: number }): number => a.netns - b.netns;

describe('pcapid record in other network namespaces', { skip: netnsMissing() || realRootMissing() }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  test('keeps the same tuple in two namespaces apart, on the loopback of each', async () => {
    const [here, a, b] = [lab.create(), lab.create(), lab.create()];
    const recording = await startRecording(['--netns', a.name, '--netns', b.path], { netns: here });
    const [sentA, sentB] = await Promise.all([sendPair(a), sendPair(b)]);
    await recording.nextTick();
    await recording.stop();
    assert.deepEqual(pairRows(recording.database), [rowOf(a, sentA), rowOf(b, sentB)].sort(byNetns));
    const named = query(recording.database, `SELECT name FROM netns WHERE inode = ${statSync(a.path).ino}`);
    assert.deepEqual(named, [{ name: a.name }]);
  });

  test('knows the addresses that a namespace gets while it records, also those that no socket shows', async () => {
    const [here, a, b] = [lab.create(), lab.create(), lab.create()];
    const [near, far] = lab.connect(a, b);
    const recording = await startRecording(['--netns', a.name], { netns: here });
    a.exec('ip', 'address', 'add', '198.51.100.1/32', 'dev', near.name);
    b.exec('ip', 'route', 'add', '198.51.100.1', 'dev', far.name);
    const answered = "SELECT 1 FROM flow_record WHERE dst_addr = '198.51.100.1' AND dst_reason = 'kernel'";
    await waitFor(
      async () => {
        b.exec('ping', '-n', '-c', '1', '198.51.100.1');
        await recording.nextTick();
        return query(recording.database, answered).length > 0;
      },
      20_000,
      'a ping that the kernel of the namespace answered',
    );
    await recording.stop();
  });

  test('follows namespaces that appear and vanish while it records', async () => {
    const here = lab.create();
    const recording = await startRecording(['--netns', 'all'], { netns: here });
    const rows = [];
    for (let turn = 0; turn < 2; turn++) {
      const passing = new NetnsLab();
      const netns = passing.create();
      const inode = statSync(netns.path).ino;
      const seen = `SELECT 1 FROM capture_interface i JOIN netns n ON n.id = i.netns WHERE n.inode = ${inode}`;
      await waitFor(
        async () => {
          netns.exec('ping', '-n', '-c', '1', '127.0.0.9'); // an interface is listed once it has had a packet
          await recording.nextTick();
          return query(recording.database, seen).length > 0;
        },
        20_000,
        'a recording in the new namespace',
      );
      rows.push(rowOf(netns, await sendPair(netns)));
      await recording.nextTick();
      passing.close();
    }
    await recording.stop();
    assert.deepEqual(pairRows(recording.database), rows.sort(byNetns));
  });
});
