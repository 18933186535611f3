import type { CommandModule } from '../context.ts';
import { db } from './db.ts';
import { doctor } from './doctor.ts';
import { flows } from './flows.ts';
import { interfaces } from './interfaces.ts';
import { processes } from './processes.ts';
import { read } from './read.ts';
import { record } from './record.ts';
import { sockets } from './sockets.ts';
import { usage } from './usage.ts';
import { who } from './who.ts';

/** Every command of the program, in the order of --help. A new one is a file here and a line in this list. */
export const commands: readonly CommandModule[] = [
  record,
  read,
  flows,
  usage,
  processes,
  who,
  sockets,
  interfaces,
  db,
  doctor,
];
