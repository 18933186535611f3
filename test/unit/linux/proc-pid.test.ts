import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProcFs } from '../../../src/linux/proc-fs.ts';
import {
  livingFolder,
  parseCmdline,
  parseNamespaceLink,
  parseStat,
  parseStatus,
  readProcess,
  readStat,
} from '../../../src/linux/proc-pid.ts';

const proc = new ProcFs('test/fixtures/proc/basic');
const [SERVER, CLIENT, WORKER, ZOMBIE] = [14776, 14779, 14783, 14784];

test('readProcess() reads a recorded service', () => {
  assert.deepEqual(readProcess(proc, SERVER), {
    pid: SERVER,
    startTicks: 291226,
    parentPid: 14766,
    comm: 'echo-server',
    exe: '/usr/bin/python3.11',
    argv: ['/usr/bin/python3', './echo-server', '--port', '7007'],
    uid: 0,
    cgroup: '/system.slice/echo-server.service',
    unit: 'echo-server.service',
    container: null,
    netns: 4026532248,
    forked: true, // it has waited for a child
  });
});

test('readProcess() reads a process whose comm looks like other fields', () => {
  const client = readProcess(proc, CLIENT)!;
  assert.deepEqual([client.comm, client.parentPid, client.startTicks], ['a) R 1 (b\nc', SERVER, 291239]);
  assert.deepEqual([client.uid, client.forked], [1000, false]);
});

test('readProcess() takes ignored SIGCHLD as a possible fork', () => {
  assert.equal(readProcess(proc, WORKER)!.forked, true);
});

test('readProcess() has null for what a zombie and a kernel thread do not have', () => {
  for (const pid of [ZOMBIE, 2]) {
    const process = readProcess(proc, pid)!;
    assert.deepEqual([process.exe, process.argv], [null, null]);
  }
  assert.equal(readProcess(proc, ZOMBIE)!.netns, 0);
  assert.equal(readProcess(proc, 2)!.comm, 'kthreadd');
});

test('readProcess() is undefined for a process that is gone', () => {
  assert.equal(readProcess(new ProcFs('test/fixtures/proc/basic'), 99), undefined);
});

test('readProcess() gives no mixture when the pid is reused while it reads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'proc-pid-'));
  cpSync(`test/fixtures/proc/basic/${SERVER}`, join(folder, '7'), { recursive: true, verbatimSymlinks: true });
  class Reusing extends ProcFs {
    override readLink(path: string): string | undefined {
      writeFileSync(join(folder, '7/stat'), proc.read(`${CLIENT}/stat`)!);
      return super.readLink(path);
    }
  }
  assert.ok(readProcess(new ProcFs(folder), 7));
  assert.equal(readProcess(new Reusing(folder), 7), undefined);
  rmSync(folder, { recursive: true });
});

test('readProcess() reads this process', () => {
  const self = readProcess(new ProcFs(), process.pid)!;
  assert.equal(self.parentPid, process.ppid);
  assert.equal(self.uid, process.getuid!());
  assert.equal(self.exe, process.execPath.replaceAll('\\', '\\\\'));
  assert.ok(self.argv!.length > 0 && self.netns > 0);
});

const STAT = '1 (%) S 2 1 1 0 -1 0 %f 0 0 0 0 0 0 20 0 3 0 4242 0';
const stat = (comm: string, childFaults = '0 0'): string => STAT.replace('%f', childFaults).replace('%', comm);

test('parseStat() ends the comm at the last parenthesis', () => {
  for (const comm of ['sh', 'a b', ')', '))((', ') S 9 ', '', 'a\nb']) {
    const parsed = parseStat(stat(comm))!;
    assert.deepEqual([parsed.comm, parsed.parentPid, parsed.startTicks, parsed.threads], [comm, 2, 4242, 3]);
  }
  assert.equal(parseStat(stat('\xff\\'))!.comm, '\\xff\\\\');
});

test('parseStat() sees that a child was waited for', () => {
  assert.equal(parseStat(stat('sh'))!.reaped, false);
  assert.equal(parseStat(stat('sh', '9 0'))!.reaped, false); // minflt: its own faults
  assert.equal(parseStat(stat('sh', '0 9'))!.reaped, true); // cminflt
});

test('parseStat() tells kernel threads', () => {
  assert.equal(readStat(proc, 2)!.kernelThread, true);
  assert.equal(readStat(proc, SERVER)!.kernelThread, false);
});

test('parseStat() is undefined for a cut or strange text', () => {
  for (const text of ['', '1', '1 (sh', '1 (sh) S', stat('sh').slice(0, 30), ')1 (', stat('sh').replace('4242', 'x')]) {
    assert.equal(parseStat(text), undefined);
  }
});

test('parseStatus() reads the real uid and the ignored signals', () => {
  const text = 'Name:\tx\\nUid:\nUid:\t1000\t0\t0\t0\nSigIgn:\t0000000000010000\n';
  assert.deepEqual(parseStatus(text), { uid: 1000, ignoresChildren: true });
  assert.equal(parseStatus(text.replace('10000', '20000'))!.ignoresChildren, false);
  assert.equal(parseStatus(text.replace('0000000000010000', 'fffffffffffeffff'))!.ignoresChildren, false);
  assert.equal(parseStatus('Name:\tx\n'), undefined);
});

test('parseCmdline() splits at NUL, keeps empty arguments inside and drops padding', () => {
  const parse = (text: string): string[] | null => parseCmdline(Buffer.from(text, 'latin1'));
  assert.deepEqual(parse('sh\0-c\0\0x y\0'), ['sh', '-c', '', 'x y']);
  assert.deepEqual(parse('postgres: idle\0\0\0\0'), ['postgres: idle']);
  assert.deepEqual(parse('no end'), ['no end']);
  assert.deepEqual(parse('\xff\\\0'), ['\\xff\\\\']);
  assert.equal(parse(''), null);
  assert.equal(parse('\0\0'), null);
});

test('parseCmdline() never throws and never gives more than 4096 octets in all', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6000, size: 'max' }), (bytes) => {
      const ascii = bytes.map((octet) => octet & 0x3f); // one character an octet
      assert.ok((parseCmdline(ascii) ?? []).join('\0').length <= 4096);
      parseCmdline(bytes);
    }),
    { numRuns: 30 },
  );
});

test('parseNamespaceLink() reads the inode', () => {
  assert.equal(parseNamespaceLink('net:[4026531840]'), 4026531840);
  for (const link of [undefined, '', 'net:[]', 'net:[1] ', 'socket:[x]']) assert.equal(parseNamespaceLink(link), 0);
});

test('livingFolder() names another thread when the first has ended', () => {
  const folder = mkdtempSync(join(tmpdir(), 'proc-task-'));
  cpSync('test/fixtures/proc/basic/14776/task', join(folder, '14776/task'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  cpSync('test/fixtures/proc/basic/14776/task', join(folder, '5/task'), { recursive: true, verbatimSymlinks: true });
  const fs = new ProcFs(folder);
  const zombie = { ...readStat(proc, ZOMBIE)!, threads: 2 };
  assert.equal(livingFolder(fs, 5, zombie), '5/task/14776');
  assert.equal(livingFolder(fs, 14776, zombie), '14776'); // no other thread is left
  assert.equal(livingFolder(fs, 5, { ...zombie, state: 'S' }), '5');
  rmSync(folder, { recursive: true });
});
