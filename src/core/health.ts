/** One line of `doctor` and of the start of `record`: a source or a right, whether it works, what its absence costs. */
export interface Check {
  readonly name: string; // stable token: 'capture', 'diag', 'proc-fd', 'ipv6' ...
  readonly state: 'ok' | 'degraded' | 'missing';
  readonly detail: string; // what was found; errno name where there is one
  readonly loss: string | null; // what is lost without it; null when ok
  readonly remedy: string | null; // what to do; null when ok or when nothing can be done
}
