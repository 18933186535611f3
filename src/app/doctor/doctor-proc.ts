/** Checks of /proc: is it ours, what does it show, and with which rights do we look. Only files, so that tests fake them. */
import { createColumns } from '../../core/columns.ts';
import type { Check } from '../../core/health.ts';
import { HOLDER_COLUMNS } from '../../core/process.ts';
import { createScanFindings, listPids, scanHolders } from '../../linux/proc-fd.ts';
import type { ProcFs } from '../../linux/proc-fs.ts';
import { type Roots, readHidepid } from '../../linux/system.ts';
import { Capability, capabilitiesFor } from '../record/privileges.ts';
import { limited, passed, unused } from './doctor-check.ts';

/** In setpriv's words: packets, BPF, and the descriptors of others where BPF cannot tell. */
const RIGHTS = '+net_raw,+net_admin,+bpf,+perfmon,+sys_ptrace,+dac_read_search';
const WITH_CAPABILITIES =
  'Run as root, or give only these rights: sudo setpriv --reuid="$USER" --regid="$(id -g)" --init-groups ' +
  `--inh-caps=${RIGHTS} --ambient-caps=${RIGHTS} pcapid ...`;

export function checkProcNet(proc: ProcFs): Check {
  const found = ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'icmp'].filter(
    (name) => proc.version(`thread-self/net/${name}`) !== undefined,
  );
  if (found.length > 0) return passed('proc-net', found.join(' '));
  const loss = 'no second source of sockets; ping and raw sockets stay unknown';
  const remedy = 'Mount it: mount -t proc proc /proc';
  return { ...limited('proc-net', '/proc/net cannot be read', loss, remedy), state: 'missing' };
}

/** How many processes hide their descriptors from this user. */
export function checkProcFd(proc: ProcFs): Check {
  const pids = listPids(proc);
  const findings = createScanFindings();
  const holders = createColumns(HOLDER_COLUMNS);
  const doubtful = pids.filter((pid) => proc.readLink(`${pid}/fd/0`) === undefined); // one that can be read stands for all
  for (const _ of scanHolders(proc, doubtful, holders, findings, () => 0)) void _;
  const denied = findings.unreadable.size;
  if (pids.length === 0) {
    const detail = 'no process can be seen in /proc';
    return { ...limited('proc-fd', detail, 'no socket gets its process', 'Mount /proc.'), state: 'missing' };
  }
  if (denied === 0) return passed('proc-fd', `descriptors of all ${pids.length} processes can be read`);
  return limited(
    'proc-fd',
    `EACCES for the descriptors of ${denied} of ${pids.length} processes`,
    'their sockets get the user, not the process (reason no-permission)',
    hasCapabilities(proc, ['SysPtrace', 'DacReadSearch'])
      ? null
      : 'Run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH.',
  );
}

export function procChecks(roots: Pick<Roots, 'proc'>, captures = true): readonly Check[] {
  return [checkProcMount(roots), checkHidepid(roots), checkCapabilities(roots, capabilitiesFor(captures))];
}

/** A /proc of another pid namespace shows other processes under our numbers, or not even ourselves. */
function checkProcMount({ proc }: Pick<Roots, 'proc'>): Check {
  const self = proc.readLink('self');
  if (self !== String(process.pid)) {
    return limited(
      'proc',
      self === undefined ? '/proc/self is missing' : `/proc shows this process as ${self}, it is ${process.pid}`,
      'processes are missing, or named by pids of another pid namespace',
      'Mount the /proc of this pid namespace: mount -t proc proc /proc',
    );
  }
  return passed('proc', isReadOnly(proc) ? 'mounted read-only, which is enough' : 'mounted');
}

/** Of the mount or of the file system; the last mount on /proc covers those before it. */
function isReadOnly(proc: ProcFs): boolean {
  const mounts = [
    ...(proc.readText('self/mountinfo') ?? '').matchAll(/^\d+ \d+ \S+ \S+ \/proc (\S+) .*- proc \S+ (\S+)$/gm),
  ];
  const [, mount = '', fileSystem = ''] = mounts.at(-1) ?? [];
  return [...mount.split(','), ...fileSystem.split(',')].includes('ro');
}

function checkHidepid({ proc }: Pick<Roots, 'proc'>): Check {
  const hidepid = readHidepid({ proc });
  if (hidepid === null) return passed('hidepid', 'not known, /proc is not in the mount table');
  if (hidepid === 'off') return passed('hidepid', 'off');
  if (hasCapabilities(proc, ['SysPtrace'])) return passed('hidepid', `${hidepid}, which does not bind this user`);
  return limited(
    'hidepid',
    `/proc is mounted with hidepid=${hidepid}`,
    "other users' processes cannot be named at all",
    'Run as root, or let a group of yours see all: mount -o remount,gid=GROUP /proc',
  );
}

/** Without these something of this release is lost. */
const LOSSES = {
  NetRaw: 'no live capture',
  SysPtrace: "sockets of other users' processes get the user, not the process",
  DacReadSearch: "sockets of other users' processes get the user, not the process",
} as const;

function checkCapabilities({ proc }: Pick<Roots, 'proc'>, wanted: readonly number[]): Check {
  const effective = readEffective(proc);
  if (effective === undefined) return unused('capabilities', '/proc/self/status does not show them');
  const missing = (Object.keys(Capability) as (keyof typeof Capability)[]).filter(
    (name) => wanted.includes(Capability[name]) && !has(effective, name),
  );
  if (missing.length === 0) return passed('capabilities', 'all that a recording uses');
  const detail = `missing: ${missing.map(kernelName).join(' ')}`;
  const losses = new Set(missing.flatMap((name) => (name in LOSSES ? [LOSSES[name as keyof typeof LOSSES]] : [])));
  if (losses.size === 0) return unused('capabilities', detail);
  return limited('capabilities', detail, [...losses].join('; '), WITH_CAPABILITIES);
}

/** NetRaw to CAP_NET_RAW, as capabilities(7) has it. */
const kernelName = (name: string): string => `CAP${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`;

function hasCapabilities(proc: ProcFs, names: readonly (keyof typeof Capability)[]): boolean {
  const effective = readEffective(proc);
  return effective !== undefined && names.every((name) => has(effective, name));
}

const has = (mask: bigint, name: keyof typeof Capability): boolean => (mask & (1n << BigInt(Capability[name]))) !== 0n;

function readEffective(proc: ProcFs): bigint | undefined {
  const m = /^CapEff:\t([0-9a-f]{1,16})$/m.exec(proc.readText('self/status') ?? '');
  return m === null ? undefined : BigInt(`0x${m[1]}`);
}
