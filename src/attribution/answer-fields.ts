import { confidence } from '../core/attribution.ts';
import { commandLine } from '../core/command-line.ts';
import { NO_UID } from '../core/socket.ts';
import type { Answer } from './attribute.ts';

/** What an answer says of an end; names as in machine output, docs/schema.md. A capture file may give only the pid. */
export function answerFields({ process, program, evidence, reason }: Answer) {
  return {
    pid: process?.pid ?? null,
    comm: process?.comm || null,
    exe: process?.exe ?? program?.exe ?? null,
    cmdline: process?.argv ? commandLine(process.argv) : null,
    uid: (process?.uid === NO_UID ? null : process?.uid) ?? program?.uid ?? null,
    unit: program?.unit ?? null,
    container: program?.container ?? null,
    source: evidence?.source ?? null,
    match: evidence?.match ?? null,
    confidence: confidence(evidence, reason, process !== null),
    reason,
    gap_us: evidence?.gapUs ?? null,
    holders: evidence?.holders ?? null,
  };
}
