/** Which network namespace `sockets` lists, and the ways into it: sock_diag there, or /proc/PID/net of a process in it. */
import { UserError } from '../../core/errors.ts';
import { listPids } from '../../linux/proc-fd.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { parseNamespaceLink } from '../../linux/proc-pid.ts';

/** Where ip-netns(8) keeps the names. */
const NAMES = '/run/netns';
const HINT = 'Name one of `ip netns list`, or the pid of a process in it.';

export interface ListedNetns {
  readonly path: string; // to enter it; '': the own one
  readonly inode: number; // 0: not known, no right to read it
  /** Folder below /proc that shows its sockets; undefined: no process is known to be in it. */
  readonly procFolder: () => string | undefined;
}

/**
 * @param wanted name, pid or absolute path; undefined: the namespace of this process
 * @throws UserError when there is none
 */
export function resolveNetns(wanted: string | undefined, proc: ProcFs, names = new ProcFs(NAMES)): ListedNetns {
  const ownInode = parseNamespaceLink(proc.readLink('self/ns/net'));
  const own: ListedNetns = { path: '', inode: ownInode, procFolder: () => 'thread-self/net' };
  if (wanted === undefined) return own;
  const found = wanted.startsWith('/') ? byPath(wanted, proc) : (byName(wanted, proc, names) ?? byPid(wanted, proc));
  return found.inode !== 0 && found.inode === ownInode ? own : found;
}

function byName(name: string, proc: ProcFs, names: ProcFs): ListedNetns | undefined {
  if (name === '' || name === '.' || name === '..' || name.includes('/')) return undefined;
  const inode = inodeOf(names, name);
  return inode === undefined ? undefined : withFolderOfAny(`${names.root}/${name}`, inode, proc);
}

function byPath(path: string, proc: ProcFs): ListedNetns {
  const inode = inodeOf(new ProcFs(''), path.slice(1));
  if (inode === undefined) throw noSuch(path);
  return withFolderOfAny(path, inode, proc);
}

function byPid(text: string, proc: ProcFs): ListedNetns {
  if (!/^[1-9]\d{0,9}$/.test(text) || proc.version(`${text}/stat`) === undefined) throw noSuch(text);
  const inode = parseNamespaceLink(proc.readLink(`${text}/ns/net`));
  return { path: `${proc.root}/${text}/ns/net`, inode, procFolder: () => `${text}/net` };
}

/** For a namespace known by a file: any process inside will do. */
function withFolderOfAny(path: string, inode: number, proc: ProcFs): ListedNetns {
  let pid: number | undefined;
  const isInside = (one: number): boolean => parseNamespaceLink(proc.readLink(`${one}/ns/net`)) === inode;
  const procFolder = (): string | undefined => {
    if (pid === undefined || !isInside(pid)) pid = listPids(proc).find(isInside);
    return pid === undefined ? undefined : `${pid}/net`;
  };
  return { path, inode, procFolder };
}

/** Inode of the file behind a path, as stat(2) has it: of a namespace, the number in net:[N]. */
function inodeOf(files: ProcFs, path: string): number | undefined {
  const version = files.version(path);
  return version === undefined ? undefined : Number(version.split(':', 1)[0]);
}

function noSuch(wanted: string): UserError {
  return new UserError('no-such-netns', `--netns: there is no network namespace '${wanted}'`, HINT);
}
