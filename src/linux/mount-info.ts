/** The mount table of /proc/PID/mountinfo, proc_pid_mountinfo(5). Pure. */
import { decodeHostile } from '../core/text.ts';

export interface Mount {
  readonly mountPoint: string; // printable
  readonly fileSystem: string; // 'proc', 'cgroup2' ...
  readonly superOptions: readonly string[];
}

// id parent major:minor root mount-point options optional-fields... - type source super-options
const LINE = /^\d+ \d+ \d+:\d+ \S+ (\S+) \S+ (?:.*? )?- (\S+) \S* ?(\S*)$/;

/** Lines of another form are left out. Order as in the file: a later mount covers an earlier one on the same point. */
export function parseMountInfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const m = LINE.exec(line);
    if (m === null) continue;
    mounts.push({ mountPoint: unescapeOctal(m[1]!), fileSystem: m[2]!, superOptions: m[3]!.split(',') });
  }
  return mounts;
}

/** Space, tab, newline and backslash stand as \040, \011, \012, \134. */
function unescapeOctal(octets: string): string {
  const plain = octets.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8) & 255));
  return decodeHostile(Buffer.from(plain, 'latin1'));
}

/** Where the first file system of that type is mounted. */
export function mountPointOf(mounts: readonly Mount[], fileSystem: string): string | null {
  return mounts.find((mount) => mount.fileSystem === fileSystem)?.mountPoint ?? null;
}

const HIDEPID = {
  '0': 'off',
  off: 'off',
  '1': 'noaccess',
  noaccess: 'noaccess',
  '2': 'invisible',
  invisible: 'invisible',
  '4': 'ptraceable',
  ptraceable: 'ptraceable',
} as const;

/** Option hidepid of the last mount on /proc; numbers before Linux 5.8, words since. */
export function hidepidOf(mounts: readonly Mount[]): (typeof HIDEPID)[keyof typeof HIDEPID] | null {
  const mount = [...mounts]
    .reverse()
    .find((candidate) => candidate.mountPoint === '/proc' && candidate.fileSystem === 'proc');
  if (mount === undefined) return null;
  const option = mount.superOptions.find((candidate) => candidate.startsWith('hidepid='));
  const value = option === undefined ? 'off' : option.slice('hidepid='.length);
  return Object.hasOwn(HIDEPID, value) ? HIDEPID[value as keyof typeof HIDEPID] : null;
}
