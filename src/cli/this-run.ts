import type { Maker } from '../core/provenance.ts';
import { VERSION } from './version.ts';

/** What databases and files tell of the run that made them. */
export const thisRun = (): Maker => ({ version: VERSION, command: process.argv.slice(2).join(' ') });
