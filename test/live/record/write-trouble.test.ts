/** record -w where nobody reads any more, or where the disk fills up: it is said, and what is written stays readable. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { childrenOf, killChildren, startChild } from '../../support/child.ts';
import { type Netns, NetnsLab, netnsMissing } from '../../support/netns.ts';
import { startRecording, temporaryDatabase } from '../../support/recording.ts';
import { PROGRAM, runPcapid } from '../../support/run-pcapid.ts';
import { SmallDisks } from '../../support/small-disks.ts';
import { waitFor } from '../../support/wait.ts';

const noTshark = spawnSync('tshark', ['--version']).error === undefined ? false : 'no tshark';

/** Octets of the packets of one second of ping fill the disk of 1 MiB. */
const FLOOD = ['ping', '-q', '-i', '0.002', '-s', '4000', '127.0.0.1'];

/** Flows that begin all the time: on a loaded machine the owner of one may come later than its packets can wait. */
const PINGS = 'while :; do ping -q -c 3 -i 0.1 127.0.0.1; done';

describe('pcapid record -w, in trouble', { skip: netnsMissing() || noTshark }, () => {
  const lab = new NetnsLab();
  const disks = new SmallDisks();
  after(() => {
    killChildren();
    lab.close();
    disks.close();
  });

  /** `record -w - | reader`, with pings on lo meanwhile; what the recorder says is in its standard error. */
  function pipeInto(netns: Netns, reader: string, ...words: string[]) {
    const record = [process.execPath, PROGRAM, 'record', '-q', '-i', 'lo', '--db', temporaryDatabase(), '-w', '-'];
    startChild(netns.command('sh', '-c', PINGS));
    const line = `set -o pipefail; "$@" | ${reader}`;
    return startChild(netns.command('bash', '-c', line, 'bash', ...record, ...words));
  }

  /** A recording that has said that its disk is full, while more packets come. */
  async function fillDisk() {
    const folder = disks.mount('1m');
    const netns = lab.create();
    const path = join(folder, 'a.pcapng');
    const recording = await startRecording(['-i', 'lo', '-w', path], { netns });
    const flood = startChild(netns.command(...FLOOD));
    await waitFor(() => /cannot be written to .*ENOSPC/.test(recording.child.err()), 20_000, 'a full disk');
    return { folder, path, recording, flood };
  }

  test('a pipe into tshark shows packets with their owners while they come', async () => {
    const fields = '-T fields -e icmp.type -e frame.interface_name -e frame.comment';
    const { pid, done, out } = pipeInto(lab.create(), `tshark -n -l -r - ${fields}`, '--for', '10m');
    await waitFor(() => /^8\tlo\tpcapid .*src\.comm=ping/m.test(out()), 20_000, 'a ping with its owner');
    assert.equal(await Promise.race([done, 'it runs']), 'it runs');
    for (const one of childrenOf(pid)) process.kill(one, 'SIGKILL');
    await done;
    killChildren();
  });

  for (const reader of ['head -c 1000 | wc -c', 'true']) {
    test(`a reader that goes away ends the recording without an error: ${reader}`, async () => {
      const { code, out, err } = await pipeInto(lab.create(), reader, '--for', '10m').done;
      assert.equal(code, 0, err);
      if (reader !== 'true') assert.equal(out.trim(), '1000');
      assert.match(err, /nobody reads standard output any more: the recording ends\n/);
      assert.doesNotMatch(err, /too little time|cannot be written/);
    });
  }

  test('a full disk is said once, is gone on from, and leaves a whole file that counts what it misses', async () => {
    const { folder, path, recording, flood } = await fillDisk();
    assert.equal((await runPcapid(['read', path, '--summary'])).code, 0);
    disks.enlarge(folder, '64m');
    await waitFor(() => /are written to .* again/.test(recording.child.err()), 20_000, 'packets that are written');
    await flood.stop('SIGINT');
    const { err } = await recording.stop();
    assert.equal(err.match(/cannot be written/g)?.length, 1, err);
    const [, written] = /^(\d+) packets written/m.exec(err)!;
    const [, captured] = /^(\d+) packets, 0 dropped/m.exec(err)!;
    assert.equal(written, captured, err); // all of them waited in memory
    const frames = execFileSync('tshark', ['-n', '-r', path, '-T', 'fields', '-e', 'icmp.type'], { encoding: 'utf8' });
    assert.equal(frames.trim().split('\n').length, Number(written));
  });

  test('a recording whose last packets found no room on the disk ends as an error, with a whole file', async () => {
    const { path, recording, flood } = await fillDisk();
    await flood.stop('SIGINT');
    const { code, err } = await recording.child.stop('SIGINT', 30_000);
    assert.equal(code, 2, err);
    assert.match(err, /packets? not written: .*a\.pcapng could not be written \(ENOSPC\)/);
    assert.equal((await runPcapid(['read', path, '--summary'])).code, 0);
  });
});
