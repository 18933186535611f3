import type { Us } from '../../../core/time.ts';
import { CgroupPaths } from '../../../linux/cgroup-path.ts';
import { ProcFs } from '../../../linux/proc-fs.ts';
import { parseNamespaceLink } from '../../../linux/proc-pid.ts';
import { readCgroup2Mount } from '../../../linux/system.ts';
import type { Native } from '../../../native/binding.ts';
import { type KernelDescriptors, KernelReader } from './kernel-reader.ts';
import { KernelWatch } from './kernel-watch.ts';

/** @throws UserError when the rings cannot be mapped */
export function openKernelWatch(
  native: Native,
  programs: KernelDescriptors,
  readsSockets: boolean,
  proc: ProcFs,
  nowUs: () => Us,
): { readonly watch: KernelWatch; close(): void } {
  const reader = new KernelReader(native, programs, readsSockets);
  const mount = readCgroup2Mount({ proc });
  const groups = mount === null ? undefined : new CgroupPaths(new ProcFs(mount), nowUs);
  const ownNetns = {
    cookie: Math.max(0, native.netnsCookie('')),
    inode: parseNamespaceLink(proc.readLink('thread-self/ns/net')),
  };
  const watch = new KernelWatch({ reader, proc, findCgroup: (id) => groups?.find(id), ownNetns, nowUs });
  return { watch, close: () => reader.close() };
}
