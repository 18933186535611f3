/**
 * What a control group says of a process: systemd unit and container. Pure, over /proc/PID/cgroup (cgroups(7)).
 *
 * A user may make groups below his own (user@UID.service), so unit and container are as true as that part
 * of the path; the path is kept beside them.
 */
import { decodeHostile } from '../core/text.ts';

export interface Cgroup {
  readonly path: string | null; // as far as the reader's cgroup namespace shows it
  readonly unit: string | null;
  readonly container: string | null;
}

// hierarchy id:controllers:path; id 0 without controllers is the unified hierarchy
const LINE = /^(\d+):([^:]*):(\/.*)$/;
const UNIT = /^.+\.(?:service|scope|socket|mount|swap)$/;
const ID = /(?:^|[-:])([0-9a-f]{64})(?:\.scope)?$/;
const NAMED: readonly RegExp[] = [
  /^lxc\.payload[./](.+)$/, // LXC 4 and later, cgroup2
  /^systemd-nspawn@(.+)\.service$/,
];

/** @param text whole file, one character an octet */
export function parseCgroup(text: string): Cgroup {
  const paths = orderedPaths(text);
  const path = paths.find((candidate) => candidate !== '/') ?? paths[0];
  if (path === undefined) return { path: null, unit: null, container: null };
  let container: string | null = null;
  for (const candidate of paths) container ??= containerOf(candidate);
  return { path: printable(path), unit: unitOf(path), container };
}

/**
 * Paths, best first: systemd's own hierarchy, then the unified one, then the rest.
 *
 * On a hybrid host Docker's cgroupfs driver places a container only in the v1 hierarchies, and the unified line
 * shows the daemon (system.slice/containerd.service): that would name the wrong unit.
 */
function orderedPaths(text: string): string[] {
  const ranked: { rank: number; path: string }[] = [];
  for (const line of text.split('\n')) {
    const m = LINE.exec(line);
    if (m === null) continue;
    const rank = m[2] === 'name=systemd' ? 0 : m[1] === '0' ? 1 : 2;
    ranked.push({ rank, path: m[3]!.replace(/ \(deleted\)$/, '') }); // the group was removed before its zombie
  }
  return ranked.sort((a, b) => a.rank - b.rank).map((entry) => entry.path);
}

/** Last segment that is a unit (of the user's manager or inside the container, where there is one); slices only group. */
function unitOf(path: string): string | null {
  const unit = path
    .split('/')
    .reverse()
    .find((segment) => UNIT.test(segment));
  return unit === undefined ? null : printable(unescapeUnit(unit));
}

/** Innermost container of the path: 64 hex digits, or the name that LXC or nspawn gave it. */
function containerOf(path: string): string | null {
  const segments = path.split('/');
  for (let i = segments.length - 1; i >= 0; i--) {
    const segment = segments[i]!;
    if (/(?:^|-)conmon-|^lxc\.monitor/.test(segment)) return null; // watches the container from outside
    const id = ID.exec(segment);
    if (id !== null) return id[1]!;
    for (const form of NAMED) {
      const m = form.exec(segment);
      if (m !== null) return printable(unescapeUnit(m[1]!));
    }
    if ((segments[i - 1] === 'lxc' || segments[i - 1] === 'lxc.payload') && segment !== '') {
      return printable(segment);
    }
  }
  return null;
}

/** systemd.unit(5): octets that a unit name cannot hold are \xNN; a leading _ only protects a name, cg_unescape(). */
function unescapeUnit(name: string): string {
  return name
    .replace(/^_/, '')
    .replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

const printable = (octets: string): string => decodeHostile(Buffer.from(octets, 'latin1'));
