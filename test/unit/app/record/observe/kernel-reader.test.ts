import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelReader } from '../../../../../src/app/record/observe/kernel-reader.ts';
import { createColumns } from '../../../../../src/core/columns.ts';
import { UserError } from '../../../../../src/core/errors.ts';
import { HOLDER_COLUMNS } from '../../../../../src/core/process.ts';
import { SOCKET_COLUMNS } from '../../../../../src/core/socket.ts';
import type { BpfRing, Native } from '../../../../../src/native/binding.ts';
import { processEvent, ringOf, snapshotRecord } from '../../../../support/bpf-records.ts';

const ENOBUFS = -105;
const EPERM = -1;
const PROGRAMS = {
  layer: 'bpf',
  socketRing: { fd: 10, bytes: 4096 },
  processRing: { fd: 11, bytes: 4096 },
  snapshotFd: 12,
  lostFd: 13,
  programs: [],
} as const;

function setUp(more: Partial<Native>, readsSockets = false): { reader: KernelReader; opened: number[] } {
  const opened: number[] = [];
  const native: Partial<Native> = {
    bpfRingOpen: (fd) => {
      opened.push(fd);
      return {} as BpfRing;
    },
    bpfRingClose: () => undefined,
    bpfRingRead: () => 0,
    ...more,
  };
  return { reader: new KernelReader(native as Native, PROGRAMS, readsSockets), opened };
}

/** Answers of bpfRingRead(), one after the other. */
function answers(...all: readonly Buffer[]): Native['bpfRingRead'] {
  const rest = [...all];
  return (_ring, into) => {
    const bytes = rest.shift() ?? Buffer.alloc(0);
    into.set(bytes);
    return bytes.length;
  };
}

function snapshot(reader: KernelReader) {
  const sockets = createColumns(SOCKET_COLUMNS);
  const holders = createColumns(HOLDER_COLUMNS);
  return { result: reader.snapshot(0, 5, sockets, holders), sockets, holders };
}

test('KernelReader tells all events of processes, and counts records that it does not know', () => {
  const full = ringOf(...Array.from({ length: 2000 }, (_, i) => processEvent({ kind: 1, pid: i + 1 })));
  const { reader } = setUp({ bpfRingRead: answers(full, ringOf(processEvent({ kind: 77, pid: 1 }))) });
  let forks = 0;
  reader.readProcesses({ forked: () => void forks++, executed: () => undefined, ended: () => undefined });
  assert.deepEqual([forks, reader.bad], [2000, 1]);
});

test('KernelReader opens the ring of socket events only when nobody else reads it', () => {
  assert.deepEqual(setUp({}).opened, [11]);
  assert.equal(setUp({}).reader.readSockets(), undefined);
  assert.deepEqual(setUp({}, true).opened, [11, 10]);
});

test('KernelReader makes room until a snapshot fits', () => {
  const sizes: number[] = [];
  const { reader } = setUp({
    bpfSnapshot: (_fd, into) => {
      sizes.push(into.length);
      if (sizes.length < 3) return ENOBUFS;
      const bytes = snapshotRecord({ pid: 42, local: ['192.0.2.1', 80], cookie: 5 });
      into.set(bytes);
      return bytes.length;
    },
  });
  const { result, sockets, holders } = snapshot(reader);
  assert.deepEqual([result, sockets.cookie[0], holders.pid[0]], [0, 5, 42]);
  assert.deepEqual(sizes, [1 << 20, 2 << 20, 4 << 20]);
});

test('KernelReader gives up on a snapshot that the kernel refuses, or that is larger than 64 MiB', () => {
  assert.equal(snapshot(setUp({ bpfSnapshot: () => EPERM }).reader).result, EPERM);
  assert.equal(snapshot(setUp({ bpfSnapshot: () => ENOBUFS }).reader).result, ENOBUFS);
});

test('KernelReader says when a ring cannot be mapped', () => {
  assert.throws(
    () => setUp({ bpfRingOpen: () => EPERM }),
    (error) => error instanceof UserError && error.code === 'no-bpf' && /EPERM/.test(error.message),
  );
});
