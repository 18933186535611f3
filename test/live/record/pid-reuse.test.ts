import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { childrenOf, killChildren, startChild } from '../../support/child.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { sendOddTraffic } from '../../support/odd-traffic.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { startRecording } from '../../support/recording.ts';
import { readFlows } from '../../support/stored-flows.ts';
import { waitFor } from '../../support/wait.ts';

const COUNT = 5;
const PORT = 6100;

/** A pid namespace with a /proc of its own. @returns words that run a command inside */
async function createPidNamespace(): Promise<readonly string[]> {
  const holder = startChild(['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', 'sleep', '600']);
  const init = await waitFor(() => childrenOf(holder.pid)[0], 5000, 'its first process');
  await waitFor(() => readFileSync(`/proc/${init}/comm`, 'utf8').trim() === 'sleep', 5000, 'its /proc');
  return ['nsenter', '--target', `${init}`, '--pid', '--mount'];
}

describe('pcapid record and a pid that is used again', { skip: netnsMissing() || realRootMissing() }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  for (const sources of ['auto', 'diag,proc'])
    test(`with ${sources} never takes a process for the one that had its pid before`, async () => {
      const netns = lab.create();
      const before = await createPidNamespace();
      const words = ['-i', 'lo', '--sources', sources];
      const recording = await startRecording(words, { netns, before });
      const args = ['same-pid', COUNT, '--hold', '0.4', '--port', PORT, '--exit'];
      const { child, sent } = await sendOddTraffic(args, netns, { lines: COUNT + 1, before });
      await child.done;
      for (const pid of childrenOf(recording.child.pid)) process.kill(pid, 'SIGINT'); // nsenter hands no signals on
      const { code, err } = await recording.child.done;
      assert.equal(code, 0, err);
      const flows = readFlows(recording.database).filter(({ dst }) => dst.port === PORT);
      const senders = sent.filter(({ role }) => role === 'sender');
      assert.equal(new Set(senders.map(({ pid }) => pid)).size, 1);
      assert.deepEqual(
        flows.map(({ src }) => [src.port, src.startTicks]), // BPF knows the pid of the outermost namespace
        senders.map((one) => [one.local![1], one.start_ticks]),
      );
    });
});
