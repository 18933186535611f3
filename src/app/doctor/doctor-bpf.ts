/** Checks of the two layers that BPF programs make up, from what became of loading them. */
import { UserError } from '../../core/errors.ts';
import type { Check } from '../../core/health.ts';
import type { Native } from '../../native/binding.ts';
import { type KernelPrograms, openKernelPrograms } from '../record/kernel-programs.ts';
import type { SourceName } from '../record/observe/open-sources.ts';
import { failed, limited, notWanted, passed } from './doctor-check.ts';

/** What a recording uses, or why it has to do without. */
export type ProgramsOutcome = KernelPrograms | UserError | null; // null: not wanted

const WITHOUT_BPF =
  'sockets that live shorter than a scan of /proc stay without a process; other namespaces are not seen';
/** The cgroup programs are a part of bpf: what is lost is said once. */
const AS_BPF = 'see bpf';
const WITHOUT_TRACING =
  'accepted sockets are named by their listener at best; a socket passed to another process keeps the first name';
const REMEDY = 'Run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON.';

/** @returns what the kernel lets us use of the wanted layers; the caller closes it */
export function tryKernelPrograms(native: Native, cgroup: string, wanted: readonly SourceName[]): ProgramsOutcome {
  if (!wanted.includes('bpf') && !wanted.includes('cgroup')) return null;
  try {
    return openKernelPrograms(native, cgroup, wanted.includes('bpf') ? 'bpf' : 'cgroup');
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

/** One line for each layer that is wanted. */
export function programChecks(outcome: ProgramsOutcome, wanted: readonly SourceName[]): readonly Check[] {
  const bpf = wanted.includes('bpf') ? checkBpf(outcome) : notWanted('bpf', WITHOUT_BPF);
  return [bpf, wanted.includes('cgroup') ? checkCgroup(outcome, wanted) : notWanted('cgroup', AS_BPF)];
}

function checkBpf(outcome: ProgramsOutcome): Check {
  if (outcome === null || outcome instanceof UserError) return refused('bpf', outcome);
  const refusals = outcome.programs.flatMap(({ name, trouble }) => (trouble === null ? [] : [`${name}: ${trouble}`]));
  const running = outcome.programs.length - refusals.length;
  if (outcome.layer !== 'bpf') return limited('bpf', refusals.join(', '), WITHOUT_TRACING, REMEDY);
  const detail = `active: ${running} programs see every socket, its processes and all namespaces`;
  if (refusals.length === 0) return passed('bpf', detail);
  return limited('bpf', `${detail}; refused: ${refusals.join(', ')}`, 'what those would see', null);
}

function checkCgroup(outcome: ProgramsOutcome, wanted: readonly SourceName[]): Check {
  if (outcome instanceof UserError && wanted.includes('bpf')) {
    return { name: 'cgroup', state: 'missing', detail: 'no BPF program can be used', loss: AS_BPF, remedy: null };
  }
  if (outcome === null || outcome instanceof UserError) return refused('cgroup', outcome);
  if (outcome.layer === 'bpf') return passed('cgroup', 'standby: part of bpf');
  return passed('cgroup', 'active: sockets by who creates and connects them, in all namespaces');
}

function refused(name: SourceName, error: UserError | null): Check {
  if (error === null) return notWanted(name, WITHOUT_BPF);
  return failed(name, error, WITHOUT_BPF);
}
