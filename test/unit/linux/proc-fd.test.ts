import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createColumns } from '../../../src/core/columns.ts';
import { HOLDER_COLUMNS, type HolderColumns } from '../../../src/core/process.ts';
import {
  createScanFindings,
  listPids,
  orderPids,
  parseSocketLink,
  type ScanFindings,
  scanHolders,
} from '../../../src/linux/proc-fd.ts';
import { ProcFs } from '../../../src/linux/proc-fs.ts';

const BASIC = 'test/fixtures/proc/basic';
const [SERVER, CLIENT, WORKER, ZOMBIE] = [14776, 14779, 14783, 14784];
const made: string[] = [];
after(() => {
  for (const folder of made) rmSync(folder, { recursive: true });
});

interface Scanned {
  readonly out: HolderColumns;
  readonly findings: ScanFindings;
  readonly yielded: number[];
}

function scan(proc: ProcFs, pids: readonly number[]): Scanned {
  const out = createColumns(HOLDER_COLUMNS, 1);
  const findings = createScanFindings();
  let clock = 1000;
  const yielded = [...scanHolders(proc, pids, out, findings, () => clock++)];
  return { out, findings, yielded };
}

/** A process folder with one status and `count` sockets from inode 1000 on. */
function makeProcess(stat: string, count: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'proc-fd-'));
  made.push(folder);
  mkdirSync(join(folder, '50/fd'), { recursive: true });
  writeFileSync(join(folder, '50/stat'), stat);
  writeFileSync(join(folder, '50/status'), 'Uid:\t1000\t1000\t1000\t1000\n');
  for (let fd = 0; fd < count; fd++) symlinkSync(`socket:[${1000 + fd}]`, join(folder, `50/fd/${fd}`));
  return folder;
}

const STAT = '50 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0';

test('listPids() lists processes and nothing else', () => {
  assert.deepEqual(listPids(new ProcFs(BASIC)).sort(), [SERVER, CLIENT, WORKER, ZOMBIE, 2].sort());
});

test('orderPids() puts the wanted ones first, then the youngest, each once and only those that live', () => {
  assert.deepEqual(orderPids([1, 20, 300, 4], [4, 99, 4]), [4, 300, 20, 1]);
});

test('scanHolders() finds who holds a shared socket, by which descriptor', () => {
  const { out, yielded } = scan(new ProcFs(BASIC), [WORKER, SERVER, CLIENT, ZOMBIE, 2]);
  const holders = (inode: number): (number | undefined)[][] =>
    Array.from({ length: out.count }, (_, i) => i)
      .filter((i) => out.inode[i] === inode)
      .map((i) => [out.pid[i], out.fd[i], out.startTicks[i], out.seenUs[i]]);
  assert.deepEqual(holders(34732), [
    [WORKER, 3, 291300, 1000],
    [SERVER, 3, 291226, 1001],
  ]);
  assert.deepEqual(holders(34751), [[CLIENT, 3, 291239, 1002]]);
  assert.deepEqual(holders(34749), [], 'a pipe is no socket');
  assert.deepEqual(yielded, [WORKER, SERVER, CLIENT, ZOMBIE, 2]);
});

test('scanHolders() collects the parents of the living', () => {
  const { findings } = scan(new ProcFs(BASIC), [CLIENT, WORKER, 2]);
  assert.deepEqual([...findings.parents], [SERVER]);
  assert.equal(findings.unreadable.size, 0);
});

test('scanHolders() leaves out a process that is gone', () => {
  const { out, yielded } = scan(new ProcFs(BASIC), [77]);
  assert.deepEqual([out.count, yielded], [0, [77]]);
});

test('scanHolders() notes the uid of a process whose links may not be read, after one refusal', () => {
  class NoRight extends ProcFs {
    override readLink(): undefined {
      this.counts.denied++;
      return undefined;
    }
  }
  const proc = new NoRight(BASIC);
  const { out, findings } = scan(proc, [CLIENT]);
  assert.deepEqual([out.count, proc.counts.denied], [0, 1]);
  assert.deepEqual([...findings.unreadable], [[CLIENT, 1000]]);
});

test('scanHolders() does not miss the descriptors of kernel threads and zombies, which have none', () => {
  class NoRight extends ProcFs {
    override readDir(): undefined {
      this.counts.denied++;
      return undefined;
    }
  }
  assert.equal(scan(new NoRight(BASIC), [2, ZOMBIE]).findings.unreadable.size, 0);
});

test('scanHolders() notes the uid of a process whose folder may not be read', () => {
  class NoRight extends ProcFs {
    override readDir(path: string): string[] | undefined {
      if (!path.endsWith('/fd')) return super.readDir(path);
      this.counts.denied++;
      return undefined;
    }
  }
  assert.deepEqual([...scan(new NoRight(BASIC), [SERVER]).findings.unreadable], [[SERVER, 0]]);
});

test('scanHolders() takes rows back when the pid was reused meanwhile', () => {
  const folder = makeProcess(STAT, 3);
  class Reusing extends ProcFs {
    override readLink(path: string): string | undefined {
      writeFileSync(join(folder, '50/stat'), STAT.replace('4242', '4343'));
      return super.readLink(path);
    }
  }
  assert.equal(scan(new Reusing(folder), [50]).out.count, 0);
  assert.equal(scan(new ProcFs(folder), [50]).out.count, 3);
});

test('scanHolders() keeps the rows of a process that ended right after it was read', () => {
  const folder = makeProcess(STAT, 3);
  class Ending extends ProcFs {
    override readLink(path: string): string | undefined {
      rmSync(join(folder, '50/stat'), { force: true });
      return super.readLink(path);
    }
  }
  assert.equal(scan(new Ending(folder), [50]).out.count, 3);
});

test('scanHolders() lets others work while it reads a process with many descriptors', () => {
  const { out, yielded } = scan(new ProcFs(makeProcess(STAT, 2500)), [50]);
  assert.equal(out.count, 2500);
  assert.deepEqual(yielded, [0, 0, 50]);
});

test('scanHolders() reads another thread of a process whose first has ended', () => {
  const folder = makeProcess(STAT.replace(' S ', ' Z ').replace('20 0 1', '20 0 2'), 0);
  mkdirSync(join(folder, '50/task/50/fd'), { recursive: true });
  mkdirSync(join(folder, '50/task/51/fd'), { recursive: true });
  symlinkSync('socket:[9]', join(folder, '50/task/51/fd/3'));
  const { out } = scan(new ProcFs(folder), [50]);
  assert.deepEqual([out.count, out.inode[0], out.pid[0]], [1, 9, 50]);
});

test('parseSocketLink() accepts socket:[N] only', () => {
  assert.equal(parseSocketLink('socket:[4294967295]'), 4294967295);
  for (const link of [
    'pipe:[1]',
    'socket:[]',
    'socket:[-1]',
    'socket:[1',
    '/socket:[1]',
    'socket:[99999999999999999]',
  ]) {
    assert.equal(parseSocketLink(link), -1);
  }
});
