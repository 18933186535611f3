/** The database stands on a file system of 1 MiB, which fills up. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { killChildren, startChild } from '../../support/child.ts';
import { rowsOf } from '../../support/database.ts';
import { type Netns, NetnsLab, netnsMissing } from '../../support/netns.ts';
import { type Recording, startRecording } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { SmallDisks } from '../../support/small-disks.ts';
import { waitFor } from '../../support/wait.ts';

/** One datagram a flow, to `count` ports that nobody listens on. */
const DATAGRAMS = `
import socket, sys, time
for i in range(int(sys.argv[1])):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b'x', ('127.0.0.1', 10000 + i))
    s.close()
    if i % 50 == 0: time.sleep(0.02)
    if i == 50: sys.stdin.readline() # these are stored before the disk is full
`;
const COUNT = 6000;

const storedFlows = (database: string): number =>
  Number(rowsOf(database, 'SELECT count(*) AS flows FROM flow')[0]!.flows);

describe('pcapid record on a disk that fills up', { skip: netnsMissing() }, () => {
  const lab = new NetnsLab();
  const disks = new SmallDisks();
  after(() => {
    killChildren();
    lab.close();
    disks.close();
  });

  /** A recording whose database had no room for all it saw. */
  async function fill(): Promise<{ recording: Recording; netns: Netns; folder: string }> {
    const folder = disks.mount('2m');
    const netns = lab.create();
    const recording = await startRecording(['-i', 'lo', 'udp'], { netns, database: join(folder, 'a.db') });
    const sender = startChild(netns.command('python3', '-c', DATAGRAMS, String(COUNT)), { keepInput: true });
    await waitFor(() => storedFlows(recording.database) > 50, 10_000, 'the first flows in the database');
    sender.say('go\n');
    await waitFor(() => /cannot be written for now \(.*full\)/.test(recording.child.err()), 20_000, 'a full disk');
    assert.equal((await sender.done).code, 0, sender.err());
    return { recording, netns, folder };
  }

  test('what is stored stays readable, and nothing is lost when there is room again', async () => {
    const { recording, folder } = await fill();
    const { code, out } = await runPcapid(['usage', '--db', recording.database, '--format', 'csv']);
    assert.deepEqual([code, out.length > 0], [0, true]);
    assert.ok(storedFlows(recording.database) < COUNT);
    disks.enlarge(folder, '64m');
    await waitFor(() => /can be written again/.test(recording.child.err()), 10_000, 'a stored tick');
    const { err } = await recording.child.stop('SIGINT', 30_000);
    assert.equal(storedFlows(recording.database), COUNT);
    assert.equal(err.match(/cannot be written/g)?.length, 1, err);
    assert.doesNotMatch(err, /could not be stored/);
  });

  test('a recording that is stopped meanwhile ends soon, and says how many flows it could not store', async () => {
    const { recording } = await fill();
    const { err, code: ended } = await recording.child.stop('SIGINT', 30_000);
    assert.equal(ended, 0, err);
    const lost = /could not be stored \(.*full\): (\d+) flows are lost/.exec(err);
    assert.ok(lost !== null, err);
    assert.equal(Number(lost[1]) + storedFlows(recording.database), COUNT);
    const { code } = await runPcapid(['flows', '--db', recording.database, '--limit', '1']);
    assert.equal(code, 0);
  });
});
