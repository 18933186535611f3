import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createColumns } from '../../../src/core/columns.ts';
import { HOLDER_COLUMNS } from '../../../src/core/process.ts';
import { DescriptorMemory } from '../../../src/linux/descriptor-memory.ts';
import { createScanFindings, scanHolders } from '../../../src/linux/proc-fd.ts';
import { ProcFs } from '../../../src/linux/proc-fs.ts';

const folder = mkdtempSync(join(tmpdir(), 'proc-memory-'));
after(() => rmSync(folder, { recursive: true }));
let reads = 0; // of lists of descriptors
class Counting extends ProcFs {
  override readDir(path: string): string[] | undefined {
    if (path.endsWith('/fd')) reads++;
    return super.readDir(path);
  }
}
const proc = new Counting(folder);

interface Made {
  readonly ran?: string;
  readonly threads?: number;
  readonly startTicks?: number;
  readonly state?: string;
}

/** Process 50 with sockets 7 and 8, as the kernel shows it. */
function make({ ran = '500 20 3\n', threads = 1, startTicks = 4242, state = 'S' }: Made): void {
  rmSync(join(folder, '50'), { recursive: true, force: true });
  mkdirSync(join(folder, '50/fd'), { recursive: true });
  writeFileSync(
    join(folder, '50/stat'),
    `50 (x) ${state} 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 ${threads} 0 ${startTicks} 0`,
  );
  writeFileSync(join(folder, '50/schedstat'), ran);
  writeFileSync(join(folder, '50/status'), 'Uid:\t1000\t1000\t1000\t1000\n');
  for (const [fd, inode] of [7, 8].entries()) symlinkSync(`socket:[${inode}]`, join(folder, `50/fd/${fd}`));
}

/** @returns [rows, lists of descriptors that were read] of the second of two scans */
function again(first: Made, second: Made, between = (_memory: DescriptorMemory): void => {}): [number, number] {
  const memory = new DescriptorMemory();
  const scan = (seenUs: number) => {
    const out = createColumns(HOLDER_COLUMNS, 1);
    for (const _ of scanHolders(proc, [50], out, createScanFindings(), () => seenUs, memory)) void _;
    return out;
  };
  make(first);
  scan(1000);
  between(memory);
  make(second);
  reads = 0;
  const out = scan(2000);
  for (let i = 0; i < out.count; i++)
    assert.deepEqual([out.inode[i], out.pid[i], out.fd[i], out.seenUs[i]], [7 + i, 50, i, 2000]);
  return [out.count, reads];
}

test('a process that has not run since is not read again, and its sockets are told as of now', () => {
  assert.deepEqual(again({}, {}), [2, 0]);
});

test('a process that ran, or another one with its pid, is read again', () => {
  assert.deepEqual(again({}, { ran: '501 20 3\n' }), [2, 1]);
  assert.deepEqual(again({}, { ran: '500 20 4\n' }), [2, 1]);
  assert.deepEqual(again({}, { startTicks: 4243 }), [2, 1]);
});

test('one with several threads is always read: another may have run', () => {
  assert.deepEqual(again({ threads: 2 }, { threads: 2 }), [2, 1]);
  assert.deepEqual(again({}, { threads: 2 }), [2, 1]);
});

test('where the kernel does not count how long a process runs, it is always read', () => {
  for (const ran of ['0 0 0\n', '0 20 3\n', '500 0 0\n', '']) assert.deepEqual(again({ ran }, { ran }), [2, 1], ran);
  assert.deepEqual(again({ ran: '500 0 10\n' }, { ran: '500 0 10\n' }), [2, 0], 'ten times');
});

test('a process that ended holds nothing, whatever is remembered', () => {
  assert.deepEqual(again({}, { state: 'Z' }), [0, 0]);
});

test('what is not among all processes is forgotten', () => {
  assert.deepEqual(
    again({}, {}, (memory) => memory.keepOnly([50])),
    [2, 0],
  );
  assert.deepEqual(
    again({}, {}, (memory) => memory.keepOnly([51])),
    [2, 1],
  );
});

test('a process whose descriptors may not be read is asked again each time', () => {
  const memory = new DescriptorMemory();
  make({});
  class NoRight extends ProcFs {
    override readLink(): undefined {
      this.counts.denied++;
      return undefined;
    }
  }
  for (let n = 0; n < 2; n++) {
    const findings = createScanFindings();
    const out = createColumns(HOLDER_COLUMNS, 1);
    for (const _ of scanHolders(new NoRight(folder), [50], out, findings, () => 0, memory)) void _;
    assert.deepEqual([...findings.unreadable], [[50, 1000]]);
  }
});
