/** Checks that only read files, so that tests fake them by folders. */
import { createColumns } from '../core/columns.ts';
import type { Check } from '../core/health.ts';
import { HOLDER_COLUMNS } from '../core/process.ts';
import { parseMountInfo } from '../linux/mount-info.ts';
import { createScanFindings, listPids, scanHolders } from '../linux/proc-fd.ts';
import type { ProcFs } from '../linux/proc-fs.ts';
import {
  findContainerSign,
  hasBtf,
  hasConntrack,
  hasIpv6,
  type Roots,
  readCgroup2Mount,
  readHidepid,
  readLockdown,
  readUserNamespacesMax,
} from '../linux/system.ts';

const ok = (name: string, detail: string): Check => ({ name, state: 'ok', detail, loss: null, remedy: null });

export function checkProcNet(proc: ProcFs): Check {
  const found = ['tcp', 'tcp6', 'udp', 'udp6'].filter((name) => proc.version(`thread-self/net/${name}`) !== undefined);
  if (found.length > 0) return ok('proc-net', found.join(' '));
  const loss = 'no second source of sockets, and ping sockets stay unknown';
  return { name: 'proc-net', state: 'missing', detail: '/proc/net cannot be read', loss, remedy: 'Mount /proc.' };
}

/** How many processes hide their descriptors from this user. */
export function checkProcFd(proc: ProcFs): Check {
  const pids = listPids(proc);
  const findings = createScanFindings();
  for (const _ of scanHolders(proc, pids, createColumns(HOLDER_COLUMNS), findings, () => 0)) void _;
  const denied = findings.unreadable.size;
  if (denied === 0) return ok('proc-fd', `descriptors of ${pids.length} processes can be read`);
  const root = process.geteuid?.() === 0;
  return {
    name: 'proc-fd',
    state: 'degraded',
    detail: `EACCES for the descriptors of ${denied} of ${pids.length} processes`,
    loss: 'their sockets get the user, not the process (reason no-permission)',
    remedy: root ? null : 'Run as root, or with SYS_PTRACE and DAC_READ_SEARCH.',
  };
}

/** What the host itself offers or hides. */
export function hostChecks(roots: Roots): readonly Check[] {
  return [
    checkProcMount(roots),
    checkHidepid(roots),
    checkContainer(roots),
    hasIpv6(roots)
      ? ok('ipv6', 'enabled')
      : {
          name: 'ipv6',
          state: 'degraded',
          detail: 'not in this kernel or switched off',
          loss: 'nothing on an IPv4-only host',
          remedy: null,
        },
    checkCgroup2(roots),
    hasBtf(roots) ? ok('btf', '/sys/kernel/btf/vmlinux') : later('btf', 'no /sys/kernel/btf/vmlinux'),
    checkLockdown(roots),
    checkUserNamespaces(roots),
    checkConntrack(roots),
  ];
}

/** A /proc of another pid namespace shows other processes under our numbers. */
function checkProcMount({ proc }: Roots): Check {
  const self = proc.readLink('self');
  if (self !== String(process.pid)) {
    return {
      name: 'proc',
      state: 'degraded',
      detail:
        self === undefined ? '/proc/self is missing' : `/proc shows this process as ${self}, it is ${process.pid}`,
      loss: 'owners are missing or named by pids of another namespace',
      remedy: 'Mount a /proc of this pid namespace.',
    };
  }
  const mount = parseMountInfo(proc.readText('self/mountinfo') ?? '').find((m) => m.fileSystem === 'proc');
  return ok('proc', mount?.superOptions.includes('ro') === true ? 'mounted read-only, which is enough' : 'mounted');
}

function checkHidepid(roots: Roots): Check {
  const hidepid = readHidepid(roots);
  if (hidepid === null || hidepid === 'off') return ok('hidepid', 'off');
  return {
    name: 'hidepid',
    state: 'degraded',
    detail: `/proc is mounted with hidepid=${hidepid}`,
    loss: "without SYS_PTRACE, other users' processes cannot be named at all",
    remedy: 'Run as root, or add gid= to the mount of /proc.',
  };
}

function checkContainer(roots: Roots): Check {
  const sign = findContainerSign(roots);
  if (sign === null) return ok('host', 'not inside a container');
  return {
    name: 'host',
    state: 'degraded',
    detail: `inside a container (${sign})`,
    loss: 'only processes and traffic of this container are seen',
    remedy: 'Run on the host, or with --pid=host --net=host.',
  };
}

function checkCgroup2(roots: Roots): Check {
  const mount = readCgroup2Mount(roots);
  if (mount !== null) return ok('cgroup2', mount);
  const loss = 'unit and container names come from the v1 hierarchy, where there is one';
  return { name: 'cgroup2', state: 'degraded', detail: 'not mounted', loss, remedy: null };
}

function checkLockdown(roots: Roots): Check {
  const lockdown = readLockdown(roots);
  if (lockdown === 'confidentiality') return later('lockdown', 'confidentiality');
  return ok('lockdown', lockdown ?? 'not in this kernel');
}

function checkUserNamespaces(roots: Roots): Check {
  const most = readUserNamespacesMax(roots);
  if (most !== 0) return ok('user-namespaces', most === null ? 'no limit known' : `at most ${most}`);
  const loss = 'nothing for a recording; the live tests need root';
  return {
    name: 'user-namespaces',
    state: 'degraded',
    detail: 'denied (user.max_user_namespaces = 0)',
    loss,
    remedy: null,
  };
}

function checkConntrack(roots: Roots): Check {
  return hasConntrack(roots) ? ok('conntrack', 'in this kernel') : later('conntrack', 'not loaded');
}

/** Something a later release builds on; nothing is lost today. */
function later(name: string, detail: string): Check {
  return { name, state: 'degraded', detail, loss: 'nothing in this release', remedy: null };
}
