/** What works on this host, tried by using it, and what is lost where it does not: `doctor` and the start of `record`. */
import { getSystemErrorName } from 'node:util';
import { createColumns } from '../core/columns.ts';
import { UserError } from '../core/errors.ts';
import type { Check } from '../core/health.ts';
import { SOCKET_COLUMNS, SocketState } from '../core/socket.ts';
import { Protocol } from '../core/tuple.ts';
import { ProcFs } from '../linux/proc-fs.ts';
import { SockDiag } from '../linux/sock-diag.ts';
import type { Roots } from '../linux/system.ts';
import type { Native } from '../native/binding.ts';
import { checkProcFd, checkProcNet, hostChecks } from './doctor-host.ts';
import { NETLINK_SOCK_DIAG, openNetlink } from './netlink-transport.ts';
import type { SourceName } from './open-sources.ts';
import { Capability, RECORD_CAPABILITIES, readCapabilities } from './privileges.ts';

export const REAL_ROOTS: Roots = { proc: new ProcFs('/proc'), sys: new ProcFs('/sys'), root: new ProcFs('/') };

/** All checks, in the order in which they matter. @param loadAddon throws UserError when there is no addon */
export function examine(loadAddon: () => Native, roots: Roots, sources: readonly SourceName[]): readonly Check[] {
  let native: Native;
  try {
    native = loadAddon();
  } catch (error) {
    return [
      failed('addon', error, 'no capture and no sock_diag; files and databases can be read'),
      ...withoutAddon(roots),
    ];
  }
  return [
    checkCapture(native),
    ...(sources.includes('diag') ? [checkDiag(native)] : [notWanted('diag')]),
    ...(sources.includes('proc') ? withoutAddon(roots) : [notWanted('proc')]),
    checkCapabilities(native),
    ...hostChecks(roots),
  ];
}

/** What is not ok: for the start of a recording. */
export function degradations(checks: readonly Check[]): readonly Check[] {
  return checks.filter((check) => check.state !== 'ok');
}

function withoutAddon(roots: Roots): readonly Check[] {
  return [checkProcNet(roots.proc), checkProcFd(roots.proc)];
}

function checkCapture(native: Native): Check {
  try {
    const handle = native.pcapOpen('any', '', 64, 1 << 20, 100, 0, '');
    native.pcapClose(handle);
    return { name: 'capture', state: 'ok', detail: native.pcapVersion(), loss: null, remedy: null };
  } catch (error) {
    return failed('capture', error, 'no live capture; files and databases can be read');
  }
}

function checkDiag(native: Native): Check {
  const loss = 'sockets are polled from /proc/net once a second: most short connections stay unknown';
  try {
    const diag = new SockDiag(openNetlink(native, NETLINK_SOCK_DIAG), () => 0);
    const sockets = createColumns(SOCKET_COLUMNS);
    const result = diag.dump(Protocol.Tcp, 2, 1 << SocketState.Listen, sockets);
    diag.close();
    if (result === 0)
      return { name: 'diag', state: 'ok', detail: `${sockets.count} listeners seen`, loss: null, remedy: null };
    const detail = `sock_diag refuses a dump: ${getSystemErrorName(result)}`;
    return { name: 'diag', state: 'missing', detail, loss, remedy: 'Load the module: modprobe tcp_diag udp_diag' };
  } catch (error) {
    return failed('diag', error, loss);
  }
}

function checkCapabilities(native: Native): Check {
  const { effective } = readCapabilities(native);
  const missing = Object.entries(Capability)
    .filter(([, bit]) => RECORD_CAPABILITIES.includes(bit) && (effective & (1n << BigInt(bit))) === 0n)
    .map(([name]) => name);
  if (missing.length === 0) {
    return { name: 'capabilities', state: 'ok', detail: 'all that a recording uses', loss: null, remedy: null };
  }
  return {
    name: 'capabilities',
    state: 'degraded',
    detail: `missing: ${missing.join(', ')}`,
    loss: lossOf(missing),
    remedy: 'Run as root, or give the capabilities: see "Privileges" in the README.',
  };
}

function lossOf(missing: readonly string[]): string {
  const losses: string[] = [];
  if (missing.includes('NetRaw')) losses.push('no live capture');
  if (missing.includes('SysPtrace') || missing.includes('DacReadSearch')) {
    losses.push("sockets of other users' processes get the user, not the process");
  }
  if (losses.length === 0) losses.push('nothing in this release');
  return losses.join('; ');
}

function notWanted(name: string): Check {
  return { name, state: 'degraded', detail: 'left out by --sources', loss: 'what it alone sees', remedy: null };
}

function failed(name: string, error: unknown, loss: string): Check {
  if (!(error instanceof UserError)) throw error;
  return { name, state: 'missing', detail: error.message, loss, remedy: error.hint };
}
