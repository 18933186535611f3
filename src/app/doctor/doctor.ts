/** What works on this host, tried by using it, and what is lost where it does not: `doctor` and the start of `record`. */
import { UserError } from '../../core/errors.ts';
import type { Check } from '../../core/health.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import type { Roots } from '../../linux/system.ts';
import type { Native } from '../../native/binding.ts';
import { findCgroupRoot } from '../record/kernel-programs.ts';
import type { SourceName } from '../record/observe/open-sources.ts';
import { type ProgramsOutcome, programChecks, tryKernelPrograms } from './doctor-bpf.ts';
import { failed, isLossless, notWanted, passed } from './doctor-check.ts';
import { checkConntrack, checkProcConnector, checkSocketEnds } from './doctor-events.ts';
import { hostChecks } from './doctor-host.ts';
import { checkDiag, checkForeignNetns, checkRoute } from './doctor-netlink.ts';
import { checkProcFd, checkProcNet, procChecks } from './doctor-proc.ts';
import { checkDatabase, checkDisk } from './doctor-store.ts';

export const REAL_ROOTS: Roots = { proc: new ProcFs('/proc'), sys: new ProcFs('/sys'), root: new ProcFs('/') };

/** The layers that may name owners. */
export interface Layers {
  readonly wanted: readonly SourceName[];
  readonly programs?: ProgramsOutcome; // of the kernel's programs; undefined: to be tried, and closed again
  readonly captures?: boolean; // false: what only packets need is not tried
}

/**
 * All checks, in the order in which they matter.
 *
 * @param loadAddon throws UserError when there is none
 * @param databaseFolder where a recording would write; undefined: a recording asks, which writes there already and
 * enters no other namespace
 */
export function examine(
  loadAddon: () => Native,
  roots: Roots,
  layers: Layers,
  databaseFolder?: string,
): readonly Check[] {
  const isRecording = databaseFolder === undefined;
  const { wanted: sources } = layers;
  const addon = addonChecks(loadAddon, roots, layers, isRecording ? [] : [checkForeignNetns]);
  const store = isRecording ? [] : [checkDatabase(), checkDisk(databaseFolder)];
  const proc = sources.includes('proc') ? [checkProcNet(roots.proc), checkProcFd(roots.proc)] : [notWanted('proc')];
  return [...addon, ...proc, ...procChecks(roots, layers.captures), ...store, ...hostChecks(roots)];
}

const LAYERS = ['bpf', 'cgroup', 'diag', 'proc-connector', 'socket-ends', 'conntrack', 'proc-net', 'proc-fd'];

/** For the start of a recording: every layer, and what else is not ok and costs something. */
export function startChecks(checks: readonly Check[]): readonly Check[] {
  return checks.filter((check) => LAYERS.includes(check.name) || (check.state !== 'ok' && !isLossless(check)));
}

function addonChecks(
  loadAddon: () => Native,
  { proc }: Roots,
  { wanted, programs, captures = true }: Layers,
  more: readonly ((native: Native) => Check)[],
): readonly Check[] {
  let native: Native;
  try {
    native = loadAddon();
  } catch (error) {
    return [failed('addon', error, 'no capture and no sock_diag: `sockets` reads /proc, files can be read')];
  }
  const addon = passed('addon', `loaded, interface ${native.abiVersion}`);
  const outcome = programs === undefined ? tried(native, proc, wanted) : programs;
  const kernel = programChecks(outcome, wanted);
  const diag = wanted.includes('diag') ? checkDiag(native) : notWanted('diag');
  const told = [checkProcConnector, checkSocketEnds].map((check) => check(native, outcome, wanted));
  const events = [...told, ...(captures ? [checkConntrack(native)] : [])];
  const rest = [checkRoute(native), ...more.map((check) => check(native))];
  return [addon, ...(captures ? captureChecks(native) : []), ...kernel, diag, ...events, ...rest];
}

const NO_CAPTURE = 'no live capture; files and databases can be read';

/** libpcap first: without it there is no capture to try. */
function captureChecks(native: Native): readonly Check[] {
  let version: string;
  try {
    version = native.pcapVersion();
  } catch (error) {
    return [failed('libpcap', error, NO_CAPTURE)];
  }
  return [passed('libpcap', version), checkCapture(native)];
}

function checkCapture(native: Native): Check {
  try {
    const handle = native.pcapOpen('any', '', 64, 1 << 20, 100, 0, '');
    native.pcapClose(handle);
    return passed('capture', "a capture on 'any' starts");
  } catch (error) {
    return failed('capture', error, NO_CAPTURE);
  }
}

function tried(native: Native, proc: ProcFs, wanted: readonly SourceName[]): ProgramsOutcome {
  const programs = tryKernelPrograms(native, findCgroupRoot(native, proc), wanted);
  if (programs !== null && !(programs instanceof UserError)) programs.close(); // what they were stays readable
  return programs;
}
