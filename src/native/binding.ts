/** The only file that loads the addon (native/, built by `npm run build:native`), at the first use in each thread. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../core/errors.ts';
import type { Native } from './interface.ts';
import { pcapError } from './pcap-hints.ts';

export type { BpfHandle, BpfProgram, BpfRing, Native, PcapHandle } from './interface.ts';
export { ReadStatus } from './interface.ts';

const ABI_VERSION = 4; // native/abi.h
const HINT = 'Build it with: npm run build:native (needs g++)';

let loaded: Native | undefined;

/** Throws UserError('no-addon') when there is none that fits. */
export function loadNative(): Native {
  loaded ??= open(findAddon(__dirname, process.env));
  return loaded;
}

/** The addon, or undefined where there is none: for who does without it, only worse or slower. */
export function tryNative(): Native | undefined {
  try {
    return loadNative();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** @returns path of the addon for a program file in `folder` */
export function findAddon(folder: string, env: Readonly<Record<string, string | undefined>>): string {
  const chosen = env.PCAPID_ADDON;
  if (chosen !== undefined && chosen !== '') return chosen;
  const root = packageFolder(folder);
  if (root === undefined) throw new UserError('no-addon', `no folder of pcapid is above ${folder}`, HINT);
  const places = [
    join(root, 'build', 'pcapid.node'), // npm run build:native
    join(root, 'native', 'build', 'Release', 'pcapid.node'), // node-gyp in native/
    join(root, 'native', 'prebuilds', `linux-${process.arch}.node`), // published package
  ];
  const found = places.find((path) => existsSync(path));
  if (found === undefined) throw new UserError('no-addon', `the native addon is missing: ${places.join(', ')}`, HINT);
  return found;
}

/** The nearest folder upwards whose package.json has the name pcapid: bundles and tests lie at several depths. */
function packageFolder(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (isPackage(join(at, 'package.json'))) return at;
    if (at === dirname(at)) return undefined;
  }
}

function isPackage(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof parsed === 'object' && parsed !== null && 'name' in parsed && parsed.name === 'pcapid';
  } catch {
    return false; // somebody else's broken or unreadable file on the way up
  }
}

function open(path: string): Native {
  const module: { exports: Partial<Native> } = { exports: {} };
  try {
    process.dlopen(module, path);
  } catch (error) {
    throw new UserError('no-addon', `the native addon cannot be loaded: ${(error as Error).message}`, HINT);
  }
  const raw = module.exports;
  if (raw.abiVersion !== ABI_VERSION) {
    const text = `${path} is of another version (${raw.abiVersion ?? 'none'}, needed ${ABI_VERSION})`;
    throw new UserError('no-addon', text, HINT);
  }
  return withUserErrors(raw as Native);
}

/** Only opening throws; everything else is passed on as it is, so that a call costs one crossing. */
function withUserErrors(raw: Native): Native {
  return {
    ...raw,
    pcapOpen(device, filter, snaplen, ringBytes, timeoutMs, promiscuous, netnsPath) {
      try {
        return raw.pcapOpen(device, filter, snaplen, ringBytes, timeoutMs, promiscuous, netnsPath);
      } catch (error) {
        throw pcapError(error, { device, filter });
      }
    },
    bpfOpen(cgroupPath, tracing, socketRingBytes, processRingBytes, entries, fds) {
      try {
        return raw.bpfOpen(cgroupPath, tracing, socketRingBytes, processRingBytes, entries, fds);
      } catch (error) {
        throw bpfError(error);
      }
    },
    pcapVersion() {
      try {
        return raw.pcapVersion();
      } catch (error) {
        throw pcapError(error, { device: '', filter: '' });
      }
    },
  };
}

function bpfError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || (thrown as NodeJS.ErrnoException).code !== 'no-bpf') return thrown;
  const hint = 'It needs Linux 5.8 and root, or CAP_BPF and CAP_NET_ADMIN; with CAP_PERFMON as well it names all.';
  return new UserError('no-bpf', `no BPF program can be used: ${thrown.message}`, hint);
}
