import type { CommandModule } from '../context.ts';
import { annotate } from './annotate.ts';
import { doctor } from './doctor.ts';
import { flows } from './flows.ts';
import { interfaces } from './interfaces.ts';
import { processes } from './processes.ts';
import { read } from './read.ts';
import { record } from './record.ts';
import { sockets } from './sockets.ts';
import { usage } from './usage.ts';
import { who } from './who.ts';
import { wiresharkPlugin } from './wireshark-plugin.ts';

/** Every command of the program, in the order of --help. A new one is a file here and a line in this list. */
export const commands: readonly CommandModule[] = [
  record,
  read,
  annotate,
  flows,
  usage,
  processes,
  who,
  sockets,
  interfaces,
  doctor,
  wiresharkPlugin,
];
