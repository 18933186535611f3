import type { Answer } from '../../attribution/attribute.ts';
import { confidence } from '../../core/attribution.ts';
import { commandLine } from '../../core/command-line.ts';
import { NO_UID } from '../../core/socket.ts';
import type { OwnerFields } from '../../pcap/owner-comment.ts';

/** What is written about one end of a flow; names as in machine output, docs/schema.md. */
export function ownerFields({ process, program, evidence, reason }: Answer): OwnerFields {
  const uid = (process?.uid === NO_UID ? null : process?.uid) ?? program?.uid ?? null;
  return {
    pid: process?.pid ?? null,
    start: process?.startTicks || null,
    comm: process?.comm || null,
    exe: process?.exe ?? program?.exe ?? null,
    cmdline: process?.argv ? commandLine(process.argv) : null,
    ppid: process?.parentPid || null,
    uid,
    unit: program?.unit ?? null,
    container: program?.container ?? null,
    source: evidence?.source ?? null,
    match: evidence?.match ?? null,
    confidence: evidence === null ? null : confidence(evidence, reason, process !== null),
    gap_us: evidence === null || evidence.gapUs === 0 ? null : evidence.gapUs,
    holders: evidence === null || evidence.holders <= 1 ? null : evidence.holders,
    reason,
  };
}
