import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { killChildren, startChild } from '../../support/child.ts';
import { compileC } from '../../support/compile.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { startRecording } from '../../support/recording.ts';
import { query } from '../../support/stored-flows.ts';

const COUNT = 1000;
const PORT = 6200;

interface BriefLife {
  readonly pid: number;
  readonly startTicks: number;
  readonly parent: number;
  readonly port: number; // of its UDP socket
  readonly executed: boolean;
  readonly number: string;
  readonly comm: string;
}

function parseLives(out: string): readonly BriefLife[] {
  return out
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, startTicks, parent, port, executed, number, comm] = line.split(' ');
      return {
        ...{ pid: Number(pid), startTicks: Number(startTicks), parent: Number(parent), port: Number(port) },
        ...{ executed: executed === '1', number: number!, comm: comm! },
      };
    });
}

describe('pcapid record and processes that live a millisecond', { skip: netnsMissing() || realRootMissing() }, () => {
  const lab = new NetnsLab();
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-brief-'));
  after(() => {
    killChildren();
    lab.close();
    rmSync(folder, { recursive: true });
  });

  test('all of a thousand are stored with pid, start, name and parent, and what they executed', async () => {
    const starter = compileC('brief-lives')!;
    const program = join(folder, 'a-brief-child');
    copyFileSync(starter, program);
    const netns = lab.create();
    const recording = await startRecording(['-i', 'lo'], { netns });
    const words = netns.command(starter, `${COUNT}`, `${PORT}`, program);
    const { code, out, err } = await startChild(words).done;
    assert.equal(code, 0, err);
    await recording.nextTick();
    await recording.stop();

    const sql = `SELECT f.src_port, p.pid, p.start_ticks, p.parent_pid, p.comm, p.exe, p.cmdline FROM flow f
      JOIN process p ON p.id = f.src_process WHERE f.dst_port = ${PORT}`;
    const rows = new Map(query(recording.database, sql).map((row) => [`${row.src_port} ${row.pid}`, row]));
    const lives = parseLives(out);
    assert.equal(lives.length, COUNT);
    const identity = lives.map(({ pid, port, startTicks, parent, comm }) => [port, pid, startTicks, parent, comm]);
    const stored = lives.map(({ port, pid }) => {
      const row = rows.get(`${port} ${pid}`);
      return [port, row?.pid, row?.start_ticks, row?.parent_pid, row?.comm];
    });
    assert.deepEqual(stored, identity);

    const executed = lives.filter((life) => life.executed);
    const whole = executed.filter(({ port, pid, number }) => {
      const row = rows.get(`${port} ${pid}`);
      return row?.exe === program && row.cmdline === `'child word' one ${PORT} ${number}`;
    });
    assert.ok(whole.length >= 0.99 * executed.length, `${whole.length} of ${executed.length} with exe and argv`);
  });

  test('the words of exec are stored, not those that a process writes over them', async (t) => {
    const netns = lab.create();
    const recording = await startRecording(['-i', 'lo'], { netns });
    const script = `$0 = '[kworker/0:1]'; $s = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '127.0.0.1:6201');
      $s->send('x'); sleep 1; $s->send('y'); sleep 1`;
    const { code } = await startChild(netns.command('perl', '-MIO::Socket::INET', '-e', script)).done;
    if (code !== 0) return t.skip('no perl with IO::Socket');
    await recording.nextTick();
    await recording.stop();
    const sql = `SELECT DISTINCT p.comm, p.cmdline FROM flow f JOIN process p ON p.id = f.src_process WHERE f.dst_port = 6201`;
    const [row, ...more] = query(recording.database, sql);
    assert.deepEqual([row?.comm, more], ['[kworker/0:1]', []]);
    assert.match(String(row?.cmdline), /^perl -MIO::Socket::INET -e /);
  });

  test('without BPF a parent that keeps its sockets open is not named for what children sent on them and were gone', async () => {
    // Only in the first network namespace the kernel tells of births.
    const recording = await startRecording(['-i', 'lo', '--sources', 'diag,proc', 'udp', 'port', '6202']);
    const { code, out, err } = await startChild(['python3', '-c', GIVEN]).done;
    assert.equal(code, 0, err);
    await recording.nextTick();
    await recording.stop();
    const [parent, ...senders] = out.trim().split(' ').map(Number);
    const sql =
      'SELECT f.src_port AS port, p.pid FROM flow f LEFT JOIN process p ON p.id = f.src_process WHERE f.dst_port = 6202';
    const named = new Map(query(recording.database, sql).map(({ port, pid }) => [Number(port), pid]));
    assert.deepEqual(
      senders.filter((port) => !named.has(port)),
      [],
    );
    assert.deepEqual(
      senders.filter((port) => named.get(port) === parent),
      [],
    );
  });
});

/** Makes sockets, and a child for each that sends on it and ends at once; they stay open for two seconds. */
const GIVEN = `
import os, socket, time
senders = []
for _ in range(20):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind(('127.0.0.1', 0))
    senders.append(sender)
for sender in senders:
    if os.fork() == 0:
        sender.sendto(b'x', ('127.0.0.1', 6202))
        os._exit(0)
    os.wait()
    time.sleep(0.05)
time.sleep(2)
print(os.getpid(), *[sender.getsockname()[1] for sender in senders])
`;
