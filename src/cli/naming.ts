/** -n of the commands that print tables of flows. */
import type { Command } from 'commander';
import { ProcFs } from '../linux/proc-fs.ts';
import { readServices } from '../linux/services.ts';
import { type Naming, NUMERIC } from '../report/naming.ts';

export interface NamingFlags {
  readonly numeric?: boolean;
}

export function addNamingOption(command: Command): Command {
  return command.option('-n, --numeric', 'addresses and port numbers in a table, not names');
}

export function namingOf({ numeric = false }: NamingFlags): Naming {
  if (numeric) return NUMERIC;
  const services = readServices(new ProcFs('/etc'));
  return { hosts: true, service: (protocol, port) => services.get(`${port}/${protocol}`) };
}
