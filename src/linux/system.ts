/** Facts about this host that `doctor` and a recording need: small readers over /proc, /sys and the root folder. */
import { decodeHostile } from '../core/text.ts';
import { hidepidOf, mountPointOf, parseMountInfo } from './mount-info.ts';
import type { ProcFs } from './proc-fs.ts';

/** Folders to read; a test hands in fixtures. */
export interface Roots {
  readonly proc: ProcFs; // /proc
  readonly sys: ProcFs; // /sys
  readonly root: ProcFs; // /
}

/** Random per boot, /proc/sys/kernel/random/boot_id. */
export const readBootId = ({ proc }: Pick<Roots, 'proc'>): string | null =>
  firstLine(proc, 'sys/kernel/random/boot_id');

export const readHostName = ({ proc }: Pick<Roots, 'proc'>): string | null => firstLine(proc, 'sys/kernel/hostname');

export const readKernelRelease = ({ proc }: Pick<Roots, 'proc'>): string | null =>
  firstLine(proc, 'sys/kernel/osrelease');

/** hidepid= of the /proc mount, proc(5): 'off', or what it hides. null: /proc is not in the mount table. */
export function readHidepid({ proc }: Pick<Roots, 'proc'>): 'off' | 'noaccess' | 'invisible' | 'ptraceable' | null {
  const text = proc.readText('self/mountinfo');
  return text === undefined ? null : hidepidOf(parseMountInfo(text));
}

/** Mount point of the unified control group hierarchy: /sys/fs/cgroup, on hybrid hosts .../unified. */
export function readCgroup2Mount({ proc }: Pick<Roots, 'proc'>): string | null {
  const text = proc.readText('self/mountinfo');
  return text === undefined ? null : mountPointOf(parseMountInfo(text), 'cgroup2');
}

/** kernel_lockdown(7). null: the kernel has none, or securityfs is not mounted. */
export function readLockdown({ sys }: Pick<Roots, 'sys'>): 'none' | 'integrity' | 'confidentiality' | null {
  const m = /\[(none|integrity|confidentiality)\]/.exec(sys.readText('kernel/security/lockdown', 256) ?? '');
  return m === null ? null : (m[1] as 'none' | 'integrity' | 'confidentiality');
}

/** Type information of the running kernel, which BPF programs need. */
export function hasBtf({ sys }: Pick<Roots, 'sys'>): boolean {
  return sys.read('kernel/btf/vmlinux', 4) !== undefined;
}

export function hasIpv6({ proc }: Pick<Roots, 'proc'>): boolean {
  return proc.version('net/if_inet6') !== undefined;
}

/** user.max_user_namespaces; 0 forbids `unshare -r`. null: not in this kernel. */
export function readUserNamespacesMax({ proc }: Pick<Roots, 'proc'>): number | null {
  const text = firstLine(proc, 'sys/user/max_user_namespaces');
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}

/** PROC_PID_INIT_INO of include/linux/proc_ns.h. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

/** What says that this is a container, whose processes are not those of the host; null when nothing does. */
export function findContainerSign({ proc, root }: Roots): string | null {
  if (proc.readLink('self/ns/pid') === INITIAL_PID_NAMESPACE) return null; // whatever files say: all processes are seen
  for (const path of ['.dockerenv', 'run/.containerenv']) {
    if (root.version(path) !== undefined) return `/${path}`;
  }
  const manager = firstLine(root, 'run/systemd/container');
  if (manager !== null) return `/run/systemd/container: ${manager}`;
  const group = /:(\/.*(?:docker|libpod|kubepods|containerd|lxc|machine\.slice).*)$/m.exec(
    proc.readText('1/cgroup') ?? '',
  );
  if (group !== null) return `control group of pid 1: ${printable(group[1]!)}`;
  // The kernel prints the pid of the initial namespace there (kernel/sched/debug.c proc_sched_show_task()).
  const sched = /^.*\((\d+), #threads/.exec(proc.readText('1/sched', 4096) ?? '');
  return sched !== null && sched[1] !== '1' ? `pid 1 is ${sched[1]} on the host` : null;
}

function firstLine(fs: ProcFs, path: string): string | null {
  const text = fs.readText(path, 4096);
  if (text === undefined) return null;
  const line = text.split('\n', 1)[0]!.trim();
  return line === '' ? null : printable(line);
}

const printable = (octets: string): string => decodeHostile(Buffer.from(octets, 'latin1'));
