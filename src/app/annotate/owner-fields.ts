import { answerFields } from '../../attribution/answer-fields.ts';
import type { Answer } from '../../attribution/attribute.ts';
import type { OwnerFields } from '../../pcap/owner-comment.ts';

/** What is written about one end of a flow: nothing that says nothing. */
export function ownerFields(answer: Answer): OwnerFields {
  const { process, evidence, reason } = answer;
  const fields = answerFields(answer);
  return {
    pid: fields.pid,
    start: process?.startTicks || null,
    comm: fields.comm,
    exe: fields.exe,
    cmdline: fields.cmdline,
    ppid: process?.parentPid || null,
    uid: fields.uid,
    unit: fields.unit,
    container: fields.container,
    source: fields.source,
    match: fields.match,
    confidence: evidence === null ? null : fields.confidence,
    gap_us: fields.gap_us || null,
    holders: fields.holders === 1 ? null : fields.holders,
    reason,
  };
}
