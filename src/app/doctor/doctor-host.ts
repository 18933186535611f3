/** Checks of what the host itself offers or hides. Only files, so that tests fake them by folders. */
import type { Check } from '../../core/health.ts';
import {
  findContainerSign,
  hasBtf,
  hasIpv6,
  type Roots,
  readCgroup2Mount,
  readKernelRelease,
  readLockdown,
  readUserNamespacesMax,
} from '../../linux/system.ts';
import { limited, passed, unused } from './doctor-check.ts';

export function hostChecks(roots: Roots): readonly Check[] {
  return [
    checkContainer(roots),
    checkCgroup2(roots),
    hasIpv6(roots) ? passed('ipv6', 'enabled') : unused('ipv6', 'not in this kernel, or switched off: IPv4 only'),
    hasBtf(roots) ? passed('btf', '/sys/kernel/btf/vmlinux') : unused('btf', 'no /sys/kernel/btf/vmlinux'),
    checkLockdown(roots),
    checkUserNamespaces(roots),
    passed('kernel', readKernelRelease(roots) ?? 'release not known'),
  ];
}

function checkContainer(roots: Roots): Check {
  const sign = findContainerSign(roots);
  if (sign === null) return passed('host', 'not inside a container');
  return limited(
    'host',
    `inside a container (${sign})`,
    'only processes and traffic of this container are seen',
    'Run it on the host, or the container with --pid=host --net=host.',
  );
}

function checkCgroup2(roots: Roots): Check {
  const mount = readCgroup2Mount(roots);
  if (mount !== null) return passed('cgroup2', mount);
  return limited('cgroup2', 'not mounted', 'unit and container names where there is no v1 hierarchy either');
}

/** kernel_lockdown(7): confidentiality forbids what BPF would read. */
function checkLockdown(roots: Roots): Check {
  const lockdown = readLockdown(roots);
  if (lockdown === 'confidentiality') return unused('lockdown', 'confidentiality');
  return passed('lockdown', lockdown ?? 'not in this kernel, or /sys/kernel/security is not mounted');
}

/** Switches of the kernel, of Debian and of Ubuntu. */
function checkUserNamespaces(roots: Roots): Check {
  const most = readUserNamespacesMax(roots);
  const is = (path: string, value: string): boolean => roots.proc.readText(`sys/kernel/${path}`)?.trim() === value;
  const why =
    most === 0
      ? 'user.max_user_namespaces = 0'
      : is('unprivileged_userns_clone', '0')
        ? 'kernel.unprivileged_userns_clone = 0'
        : is('apparmor_restrict_unprivileged_userns', '1')
          ? 'kernel.apparmor_restrict_unprivileged_userns = 1'
          : undefined;
  if (why !== undefined) return unused('user-namespaces', `denied to users: ${why}`);
  return passed('user-namespaces', most === null ? 'no limit known' : 'allowed');
}
