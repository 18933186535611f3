/** What comments of pcapid say of the ends of flows: it was decided when the facts were at hand, so it is said again. */
import type { Answer } from '../../attribution/attribute.ts';
import { FlowSide } from '../../core/attribution.ts';
import { type DecodedBatch, DecodeStatus } from '../../core/decoded.ts';
import type { FlowColumns } from '../../core/flow.ts';
import { type PacketBatch, timeOf } from '../../core/packet.ts';
import type { Process } from '../../core/process.ts';
import type { Us } from '../../core/time.ts';
import { KEY_WORDS, reverseKey } from '../../core/tuple.ts';
import type { NotedOwner } from '../../pcap/owner-comment.ts';
import type { NotedEnd, PacketNotes } from '../../pcap/packet-notes.ts';
import { processOf } from './capture-facts.ts';

interface Note {
  readonly timeUs: Us; // of its packet
  readonly end: NotedEnd; // of its packet
  readonly owner: NotedOwner;
}

/** Processes that are recognized; beyond, all are told anew. */
const MOST_PROCESSES = 1 << 16;

export class SaidOwners {
  readonly #notes = new Map<string, Note[]>(); // by tuple of their packets, since the last join()
  readonly #owners = new Map<number, NotedOwner | null>(); // 2 * serial + side; null: comments contradict each other
  readonly #processes = new Map<string, Process>();

  /** @returns whether anything was said */
  take(batch: PacketBatch, decoded: DecodedBatch, { owners }: PacketNotes): boolean {
    for (const { row, end, owner } of owners) {
      if (decoded.status[row] !== DecodeStatus.Ok) continue;
      const name = nameOf(decoded.key, row * KEY_WORDS);
      const notes = this.#notes.get(name) ?? [];
      notes.push({ timeUs: timeOf(batch, row), end, owner });
      this.#notes.set(name, notes);
    }
    return owners.length > 0;
  }

  /** Gives notes to the flows that they are about, before these are answered. @param flows all that began since the last call */
  join(flows: FlowColumns): void {
    if (this.#notes.size === 0) return;
    const reply = new Int32Array(KEY_WORDS);
    for (let i = 0; i < flows.count; i++) {
      reverseKey(flows.key, i * KEY_WORDS, reply, 0);
      this.#join(flows, i, nameOf(flows.key, i * KEY_WORDS), 'src');
      this.#join(flows, i, nameOf(reply, 0), 'dst');
    }
    this.#notes.clear();
  }

  /** The answer to that end: what the comment says, if there is one. Its source is the capture. */
  answer(serial: number, side: number, answer: Answer): Answer {
    const said = this.#owners.get(serial * 2 + side);
    if (said === undefined || said === null) return answer;
    const { match, gapUs, holders, reason } = said;
    const evidence = match === null ? null : { source: 'capture' as const, match, gapUs, holders };
    // Who is noted at another flow of the tuple is not who this one is about.
    if (said.process === undefined) return { ...answer, process: null, program: said.program, evidence, reason };
    if (evidence === null) return answer;
    const own = { ...processOf(said.process), comm: said.process.comm ?? '' }; // what is left out was not known
    const process = this.#process(own, answer.process);
    return { ...answer, process, program: said.program, evidence, reason: null };
  }

  /** One object for what is one process to all flows. @param other as the file's other notes have it */
  #process(said: Process, other: Process | null): Process {
    const name = lookOf(said);
    const known = this.#processes.get(name) ?? (other !== null && lookOf(other) === name ? other : said);
    if (this.#processes.size >= MOST_PROCESSES) this.#processes.clear();
    this.#processes.set(name, known);
    return known;
  }

  /** @param sender end of a packet of this direction that is the flow's source */
  #join({ serial, firstUs, lastUs }: FlowColumns, i: number, name: string, sender: NotedEnd): void {
    const own = this.#notes.get(name)?.filter(({ timeUs }) => timeUs >= firstUs[i]! && timeUs <= lastUs[i]!) ?? [];
    own.sort((a, b) => a.timeUs - b.timeUs);
    for (const { end, owner } of own) {
      const key = serial[i]! * 2 + (end === sender ? FlowSide.Src : FlowSide.Dst);
      const known = this.#owners.get(key);
      if (known === undefined)
        this.#owners.set(key, owner); // the first one stays
      else if (known?.process?.pid !== owner.process?.pid) this.#owners.set(key, null);
    }
  }
}

/** Before and after exec or setuid a process is two. */
const lookOf = ({ pid, startTicks, parentPid, comm, exe, argv, uid, unit, container }: Process): string =>
  JSON.stringify([pid, startTicks, parentPid, comm, exe, argv, uid, unit, container]);

/** A tuple as a key of maps. */
export const nameOf = (key: Int32Array, at: number): string =>
  String.fromCharCode(...new Uint16Array(key.buffer, key.byteOffset + 4 * at, 2 * KEY_WORDS));
