/** Words that run a command as the user nobody, setpriv(1), with some capabilities or none. */
import { spawnSync } from 'node:child_process';

export const NOBODY = 65_534;

export function asNobody(...capabilities: readonly string[]): readonly string[] {
  const set = capabilities.map((name) => `+${name}`).join(',');
  const caps = set === '' ? [] : [`--inh-caps=${set}`, `--ambient-caps=${set}`];
  return ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...caps];
}

/** @returns why that cannot be done here (in a user namespace there is no nobody to become), or false */
export function nobodyMissing(): string | false {
  const [file, ...args] = [...asNobody('net_raw', 'sys_ptrace', 'dac_read_search'), process.execPath, '--version'];
  const { status, stderr, error } = spawnSync(file!, args, { encoding: 'utf8' });
  if (error !== undefined) return 'no setpriv';
  return status === 0 ? false : `setpriv: ${stderr.trim()}`;
}
