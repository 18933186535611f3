import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { capabilityMask, RECORD_CAPABILITIES } from '../../../src/app/record/privileges.ts';
import { killChildren } from '../../support/child.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { startRecording } from '../../support/recording.ts';
import { readCapture } from '../../support/stored-flows.ts';

const KEPT = capabilityMask(RECORD_CAPABILITIES);

/** One field of /proc/PID/task/TID/status of every thread. */
function ofThreads(pid: number, field: string): readonly string[] {
  return readdirSync(`/proc/${pid}/task`).map((tid) => {
    const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8');
    return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? 'absent';
  });
}

describe('the rights of pcapid record', { skip: netnsMissing() }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  test('every thread has only the capabilities that are kept, and cannot gain others', async () => {
    const recording = await startRecording(['-i', 'lo'], { netns: lab.create() });
    const { pid } = recording.child;
    assert.ok(ofThreads(pid, 'CapEff').length > 4, 'capture, observer, store and main');
    for (const field of ['CapEff', 'CapPrm', 'CapBnd']) {
      const excess = ofThreads(pid, field).filter((mask) => (BigInt(`0x${mask}`) & ~KEPT) !== 0n);
      assert.deepEqual(excess, [], field);
    }
    assert.deepEqual([...new Set(ofThreads(pid, 'NoNewPrivs'))], ['1']);
    await recording.stop();
  });

  test('the database and what SQLite keeps beside it are readable by the owner alone', async () => {
    const recording = await startRecording(['-i', 'lo'], { netns: lab.create() });
    for (const suffix of ['', '-wal', '-shm']) {
      const { mode } = statSync(recording.database + suffix);
      assert.equal((mode & 0o777).toString(8), '600', suffix);
    }
    await recording.stop();
    assert.equal((statSync(recording.database).mode & 0o777).toString(8), '600');
    assert.equal(readCapture(recording.database).forced, 0);
  });
});
