/** Programs as the user nobody, setpriv(1). */
import { spawnSync } from 'node:child_process';

export const AS_NOBODY: readonly string[] = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

/** @returns why that cannot be done here (in a user namespace without that user), or false: for `skip` */
export function nobodyMissing(): string | false {
  const { status, error, stderr } = spawnSync(AS_NOBODY[0]!, [...AS_NOBODY.slice(1), 'true'], { encoding: 'utf8' });
  return status === 0 ? false : `cannot become nobody: ${error?.message ?? stderr.trim()}`;
}
