/** Reduces its rights, starts a worker, and prints what all of its threads have then: one JSON line. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { RECORD_CAPABILITIES, reducePrivileges } from '../../../src/app/record/privileges.ts';
import { loadNative } from '../../../src/native/binding.ts';

const folder = process.argv[2]!;
const native = loadNative();
const result = reducePrivileges(native, {
  keep: RECORD_CAPABILITIES,
  databaseFolder: folder,
  environment: { REDUCE_TEST: 'passed on' },
});

const FIELDS = ['CapPrm', 'CapEff', 'CapBnd', 'Uid', 'Gid', 'Groups', 'NoNewPrivs'] as const;

/** Distinct values over all threads: one when every thread has the same. */
function threads(): Record<string, string[]> {
  const files = readdirSync('/proc/self/task').map((task) => readFileSync(`/proc/self/task/${task}/status`, 'utf8'));
  const values = (field: string): string[] =>
    files.map((text) => new RegExp(`^${field}:\\s*(.*?)\\s*$`, 'm').exec(text)?.[1]?.replaceAll('\t', ' ') ?? '');
  return Object.fromEntries(FIELDS.map((field) => [field, [...new Set(values(field))]]));
}

function attempt(action: () => void): string {
  try {
    action();
    return 'ok';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

new Worker('setInterval(() => {}, 1000)', { eval: true }).once('online', () => {
  const report = {
    ...result,
    pid: process.pid,
    args: process.argv.slice(2),
    environment: process.env.REDUCE_TEST ?? null,
    mark: process.env.PCAPID_REDUCED ?? null,
    threads: threads(),
    write: attempt(() => writeFileSync(`${folder}/made`, '')),
    capture: attempt(() => native.pcapClose(native.pcapOpen('any', '', 2048, 1 << 20, 10, 0, ''))),
    ownFiles: attempt(() => readdirSync('/proc/self/fd')),
  };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());
});
