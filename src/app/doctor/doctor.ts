/** What works on this host, tried by using it, and what is lost where it does not: `doctor` and the start of `record`. */
import type { Check } from '../../core/health.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import type { Roots } from '../../linux/system.ts';
import type { Native } from '../../native/binding.ts';
import type { SourceName } from '../record/open-sources.ts';
import { failed, isLossless, passed } from './doctor-check.ts';
import { hostChecks } from './doctor-host.ts';
import { checkDiag, checkForeignNetns, checkRoute } from './doctor-netlink.ts';
import { checkProcFd, checkProcNet, procChecks } from './doctor-proc.ts';
import { checkDatabase, checkDisk } from './doctor-store.ts';

export const REAL_ROOTS: Roots = { proc: new ProcFs('/proc'), sys: new ProcFs('/sys'), root: new ProcFs('/') };

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
  sources: readonly SourceName[],
  databaseFolder?: string,
): readonly Check[] {
  const isRecording = databaseFolder === undefined;
  const addon = addonChecks(loadAddon, sources, isRecording ? [] : [checkForeignNetns]);
  const store = isRecording ? [] : [checkDatabase(), checkDisk(databaseFolder)];
  const proc = sources.includes('proc') ? [checkProcNet(roots.proc), checkProcFd(roots.proc)] : [notWanted('proc')];
  return [...addon, ...proc, ...procChecks(roots), ...store, ...hostChecks(roots)];
}

/** What is not ok and costs a recording something: for its start. */
export function degradations(checks: readonly Check[]): readonly Check[] {
  return checks.filter((check) => check.state !== 'ok' && !isLossless(check));
}

function addonChecks(
  loadAddon: () => Native,
  sources: readonly SourceName[],
  more: readonly ((native: Native) => Check)[],
): readonly Check[] {
  let native: Native;
  try {
    native = loadAddon();
  } catch (error) {
    return [failed('addon', error, 'no capture and no sock_diag: `sockets` reads /proc, files can be read')];
  }
  const addon = passed('addon', `loaded, interface ${native.abiVersion}`);
  const diag = sources.includes('diag') ? checkDiag(native) : notWanted('diag');
  return [addon, ...captureChecks(native), diag, checkRoute(native), ...more.map((check) => check(native))];
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

function notWanted(name: SourceName): Check {
  return { name, state: 'degraded', detail: 'left out by --sources', loss: 'what it alone sees', remedy: null };
}
