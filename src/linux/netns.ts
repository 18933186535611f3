/** The network namespaces of this host: those of processes, and those that a name keeps (ip-netns(8)). */
import { decodeHostile } from '../core/text.ts';
import { NetnsMemory } from './netns-memory.ts';
import { listPids } from './proc-fd.ts';
import type { ProcFs } from './proc-fs.ts';

/** Where `ip netns add` binds namespaces to names. */
export const NETNS_NAMES = '/run/netns';
/** Namespaces listed at most; a user may make as many as user.max_net_namespaces lets him. */
const MOST_LISTED = 4096;

export interface Netns {
  readonly inode: number; // N of net:[N]
  readonly pid: number; // a process inside, the one with the lowest pid; 0: none
  readonly name: string | null; // printable
  readonly path: string; // leads there as long as it exists
}

/**
 * By inode. Processes whose namespace may not be read are left out: their right is one to their memory (ptrace).
 *
 * @param memory of the lists before
 */
export function listNetns(proc: ProcFs, names: ProcFs, memory = new NetnsMemory(proc)): Map<number, Netns> {
  const found = new Map<number, Netns>();
  memory.begin();
  for (const pid of listPids(proc)) {
    const inode = memory.inodeOf(pid);
    if (inode === 0 || found.has(inode) || found.size >= MOST_LISTED) continue;
    found.set(inode, { inode, pid, name: null, path: `${proc.root}/${pid}/ns/net` });
  }
  for (const name of names.readDir('.') ?? []) {
    const inode = names.inode(name);
    if (inode === undefined || (!found.has(inode) && found.size >= MOST_LISTED)) continue;
    const octets = Buffer.from(name, 'latin1');
    const path = `${names.root}/${octets.toString()}`; // leads nowhere when the name is not UTF-8
    found.set(inode, { inode, pid: found.get(inode)?.pid ?? 0, name: decodeHostile(octets), path });
  }
  return found;
}
