/** Processes as the BPF programs report them, also those that are gone before anybody could look. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BpfProbe, bpfMissing, type ProbedProcess } from '../../support/bpf-probe.ts';
import { killChildren, startChild } from '../../support/child.ts';

const skip = bpfMissing();
const folder = mkdtempSync(join(tmpdir(), 'pcapid-bpf-'));
after(() => rmSync(folder, { recursive: true }));
after(killChildren);

const ARGV_CUT = 2; // enum process_flags

/** Runs a command and returns what was reported of it and its children. */
async function reported(...command: string[]): Promise<{ pid: number; all: readonly ProbedProcess[] }> {
  const probe = new BpfProbe();
  const child = startChild(command);
  await child.done;
  const all = probe.processes();
  assert.deepEqual(probe.lost()[1], 0);
  probe.close();
  const family = new Set([child.pid]);
  for (const { kind, pid, parent } of all) if (kind === 'fork' && family.has(parent)) family.add(pid);
  return { pid: child.pid, all: all.filter(({ pid }) => family.has(pid)) };
}

test('1,000 processes that live a millisecond are whole: parent, start, file, words, end', { skip }, async () => {
  const script =
    'cat /proc/$$/stat >&2; i=0; while [ $i -lt 1000 ]; do /bin/true $i "two words"; i=$((i+1)); done; exit 3';
  const { pid: shell, all } = await reported('sh', '-c', script);
  const own = all.filter(({ pid, kind }) => pid === shell && kind !== 'fork');
  assert.deepEqual(
    own.map(({ kind, exitCode }) => [kind, exitCode]),
    [
      ['exec', 0],
      ['exit', 3 << 8],
    ],
  );
  const runs = all.filter(({ kind, argv }) => kind === 'exec' && argv[0] === '/bin/true');
  assert.deepEqual(
    runs.map(({ argv }) => argv),
    Array.from({ length: 1000 }, (_, i) => ['/bin/true', String(i), 'two words']),
  );
  const exe = realpathSync('/bin/true');
  const seen = new Set<number>();
  for (const run of runs) {
    assert.deepEqual([run.exe, run.comm, run.parent], [exe, 'true', shell]);
    assert.equal(run.parentStartTicks, own[0]!.startTicks);
    assert.ok(run.startTicks >= run.parentStartTicks && run.startTicks > 0);
    seen.add(run.pid);
  }
  assert.equal(seen.size, 1000);
  const of = (kind: ProbedProcess['kind']) => all.filter((event) => event.kind === kind && seen.has(event.pid));
  assert.deepEqual([of('fork').length, of('exit').length], [1000, 1000]);
});

test('records are whole when they go over the end of their ring', { skip }, async () => {
  const probe = new BpfProbe({ processRingBytes: 32 << 10 });
  const found: (readonly string[])[] = [];
  for (let round = 0; round < 30; round++) {
    const words = `${round} ${'x'.repeat(300 + 8 * round)}`;
    const script = `for i in 1 2 3 4 5; do /bin/true $i ${words}; done`; // 4 KB: the ring is passed three times
    await startChild(['sh', '-c', script]).done;
    const runs = probe.processes().filter(({ kind, argv }) => kind === 'exec' && argv[0] === '/bin/true');
    for (const { argv } of runs) if (argv[2] === String(round)) found.push(argv);
  }
  const expected = Array.from({ length: 150 }, (_, n) => {
    const round = Math.floor(n / 5);
    return ['/bin/true', String((n % 5) + 1), String(round), 'x'.repeat(300 + 8 * round)];
  });
  assert.deepEqual(found, expected, `lost: ${probe.lost()[1]}`);
  probe.close();
});

test('start is field 22 of /proc/PID/stat', { skip }, async () => {
  const { pid, all } = await reported('cat', '/proc/self/stat');
  const probe = new BpfProbe();
  const child = startChild(['sleep', '60']);
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  await child.stop('SIGKILL');
  const ended = probe.processes().find((event) => event.kind === 'exit' && event.pid === child.pid);
  probe.close();
  assert.equal(ended!.startTicks, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]));
  assert.equal(ended!.exitCode, 9, 'killed by a signal');
  assert.ok(all.some((event) => event.pid === pid && event.exe === realpathSync('/bin/cat')));
});

test('threads are no processes, and a process ends with its last thread', { skip }, async () => {
  const script = `
import threading, os
threads = [threading.Thread(target=lambda: None) for _ in range(20)]
for t in threads: t.start()
for t in threads: t.join()`;
  const { pid, all } = await reported('/usr/bin/python3', '-c', script);
  const own = all.filter((event) => event.pid === pid);
  assert.deepEqual(
    own.map(({ kind }) => kind),
    ['fork', 'exec', 'exit'],
  );
  assert.equal(all.filter(({ kind }) => kind === 'fork').length, 1);
});

test('long words are cut, deep paths and mounts are walked, a script is its interpreter', { skip }, async () => {
  const deep = join(folder, ...Array.from({ length: 20 }, (_, i) => `folder-${i}`));
  const script = `mkdir -p ${deep} && mount -t tmpfs none ${deep} && cp /bin/true ${deep}/copy &&
    printf '#!/bin/sh\\n:' > ${deep}/script && chmod +x ${deep}/script &&
    ${deep}/copy ${'x'.repeat(9000)}; ${deep}/script word; umount ${deep}`;
  const { all } = await reported('sh', '-c', script);
  const copy = all.find(({ exe }) => exe === `${realpathSync(deep)}/copy`);
  assert.ok(copy, JSON.stringify(all.map(({ exe }) => exe)));
  assert.equal(copy.flags, ARGV_CUT);
  assert.equal(copy.argv.join(' ').length, 4096);
  const interpreted = all.find(({ argv }) => argv[1] === `${deep}/script`);
  assert.deepEqual(
    [interpreted!.exe, interpreted!.argv],
    [realpathSync('/bin/sh'), ['/bin/sh', `${deep}/script`, 'word']],
  );
});

test('a file without a name in any folder is told by its own', { skip }, async () => {
  const script = `
import os
fd = os.memfd_create("hidden name", 0)
os.write(fd, open("/bin/true", "rb").read())
os.execve(fd, ["given"], {})`;
  const { all } = await reported('/usr/bin/python3', '-c', script);
  const hidden = all.filter(({ kind }) => kind === 'exec').at(-1)!;
  assert.deepEqual([hidden.exe, hidden.argv], ['/memfd:hidden name', ['given']]);
});
