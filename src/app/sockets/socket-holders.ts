/** Who holds which sockets now, by one scan of /proc. */
import { createColumns } from '../../core/columns.ts';
import { HOLDER_COLUMNS } from '../../core/process.ts';
import { createScanFindings, listPids, scanHolders } from '../../linux/proc-fd.ts';
import type { ProcFs } from '../../linux/proc-fs.ts';
import { readStat } from '../../linux/proc-pid.ts';
import { readHidepid } from '../../linux/system.ts';

export interface SocketHolder {
  readonly pid: number;
  readonly fd: number;
  readonly comm: string | null; // null: it ended meanwhile
}

export interface Holders {
  readonly byInode: ReadonlyMap<number, readonly SocketHolder[]>; // ordered by pid and descriptor
  /** Some processes could not be looked at: a socket without a holder may be theirs. */
  readonly isPartial: boolean;
}

export function findHolders(proc: ProcFs): Holders {
  const found = createColumns(HOLDER_COLUMNS);
  const findings = createScanFindings();
  for (const _ of scanHolders(proc, listPids(proc), found, findings, () => 0)) void _;
  const comms = new Map<number, string | null>();
  const byInode = new Map<number, SocketHolder[]>();
  for (let i = 0; i < found.count; i++) {
    const pid = found.pid[i]!;
    if (!comms.has(pid)) comms.set(pid, readStat(proc, pid)?.comm ?? null);
    const holder = { pid, fd: found.fd[i]!, comm: comms.get(pid)! };
    const same = byInode.get(found.inode[i]!);
    if (same === undefined) byInode.set(found.inode[i]!, [holder]);
    else same.push(holder);
  }
  for (const holders of byInode.values()) holders.sort((a, b) => a.pid - b.pid || a.fd - b.fd);
  return { byInode, isPartial: findings.unreadable.size > 0 || hidesProcesses(proc) };
}

/** With hidepid=invisible other users' processes are not even listed. Pid 1 is always there, and never ours. */
function hidesProcesses(proc: ProcFs): boolean {
  const hidepid = readHidepid({ proc });
  return hidepid !== null && hidepid !== 'off' && readStat(proc, 1) === undefined;
}

/** `comm(pid,fd) ...`; spaces and parentheses of a comm are \xNN, so that nobody's name reads as another holder. */
export function holderList(holders: readonly SocketHolder[]): string | null {
  if (holders.length === 0) return null;
  return holders.map(({ comm, pid, fd }) => `${(comm ?? '?').replace(/[\s()]/g, escapeOctet)}(${pid},${fd})`).join(' ');
}

const escapeOctet = (character: string): string => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
