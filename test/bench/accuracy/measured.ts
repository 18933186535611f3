/** A program that runs beside the workload, and what it cost: CPU and memory of the whole process by wait4(2). */
import { readFileSync } from 'node:fs';

export interface Cost {
  readonly cpuS: number; // user and system, from start to exit
  readonly rssMiB: number; // peak
}

/** Runs its words, hands SIGINT on to them, and writes what they used into the file of the first word. */
const WAIT4 = `
import ctypes, json, os, signal, sys
libc = ctypes.CDLL(None)
pid = os.fork()
if pid == 0:
    libc.prctl(1, signal.SIGKILL) # PR_SET_PDEATHSIG: it does not outlive a bench that was killed
    os.execvp(sys.argv[2], sys.argv[2:])
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: os.kill(pid, number))
status, used = os.wait4(pid, 0)[1:]
with open(sys.argv[1], "w") as out:
    json.dump({"cpuS": used.ru_utime + used.ru_stime, "rssMiB": used.ru_maxrss / 1024}, out)
sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128)
`;

/** @returns the words to put before a command whose cost is wanted in `file` */
export function measuredInto(file: string): readonly string[] {
  return ['python3', '-c', WAIT4, file];
}

export function readCost(file: string): Cost {
  return JSON.parse(readFileSync(file, 'utf8')) as Cost;
}
