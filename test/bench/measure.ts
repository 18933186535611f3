import { spawnSync } from 'node:child_process';

/** What a whole process used, by wait4(2): Node does not tell it of its children. */
export interface Usage {
  readonly cpuS: number; // user and system
  readonly wallS: number;
  readonly rssMiB: number; // peak
  readonly out: string; // standard output
}

/** Node reads the certificates that its environment names at each start, which takes longer than all else: no measure of us. */
const WAIT4 = `
import os, sys, time, json
os.environ.pop('NODE_EXTRA_CA_CERTS', None)
t = time.monotonic(); pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
status, ru = os.wait4(pid, 0)[1:]
print(json.dumps([status, ru.ru_utime + ru.ru_stime, time.monotonic() - t, ru.ru_maxrss / 1024]), file=sys.stderr)
`;

/** @throws Error when the command does not end with `expected`: 1 is pcapid's for nothing found */
export function measure(command: readonly string[], expected = 0): Usage {
  const { stdout, stderr, error } = spawnSync('python3', ['-c', WAIT4, ...command], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  const lines = stderr.trimEnd().split('\n');
  const [status, cpuS, wallS, rssMiB] = JSON.parse(lines.pop()!) as [number, number, number, number];
  if (status >> 8 !== expected || (status & 255) !== 0)
    throw new Error(`${command.join(' ')} failed: ${lines.join('\n')}`);
  return { cpuS, wallS, rssMiB, out: stdout };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}
