import { type Answer, NOT_ASKED } from '../../../attribution/attribute.ts';
import { type EndColumns, MATCHES, REASONS, type Reason } from '../../../core/attribution.ts';
import type { Process } from '../../../core/process.ts';
import { SOURCES } from '../../../core/socket.ts';
import type { Program, ProgramRow } from '../../../core/tick.ts';
import { SECOND_US, type Us } from '../../../core/time.ts';
import type { WrittenOwners } from '../../annotate/flow-owners.ts';
import type { OwnersMessage } from '../messages.ts';

/** Flows that are kept: those that live, and what follows their end. */
const MOST_FLOWS = 1 << 18;
const MOST_PROCESSES = 1 << 16;
/** Packets of a flow that has ended may still come, and its last ones may still wait. */
const LINGER_US = 10 * SECOND_US;
/** Flows may be given a process this long after it ended. */
const EXITED_US = 150 * SECOND_US;
const SWEEP_US = 5 * SECOND_US;
/** No flow is longer: the flow table gives it another serial. Answers may come when it is over and forgotten. */
const LONGEST_US = 3660 * SECOND_US;
/** Reasons that no later fact takes back. The others mean that it is worth to wait. */
const FINAL: ReadonlySet<Reason | null> = new Set(['not-local', 'forwarded', 'kernel', 'other-netns', 'not-ip']);

interface ToldFlow {
  src: Answer;
  dst: Answer;
  parts: number; // that are written, of the answers as they are
  file: number; // in which they are
  bornUs: Us; // CLOCK_BOOTTIME
  overUs: Us; // Infinity while it lives
}

/** Who is at the ends of flows, as main told it with each tick. */
export class ToldOwners implements WrittenOwners {
  readonly #flows = new Map<number, ToldFlow>(); // by serial
  #lastSerial = NaN; // that was looked up, and what was found: a packet asks several times
  #lastFlow: ToldFlow | undefined;
  readonly #programs = new Map<number, ProgramRow>(); // by their ids, as in a tick
  readonly #processes = new Map<number, { process: Process; exitedUs: Us }>(); // Infinity: it lives
  #file = 0;
  #nowUs: Us = 0;
  #sweepUs: Us = 0;

  get size(): number {
    return this.#flows.size;
  }

  /** @param nowUs CLOCK_BOOTTIME */
  learn({ ends, programs, processes, over }: OwnersMessage, nowUs: Us): void {
    this.#nowUs = nowUs;
    this.#lastSerial = NaN;
    for (const program of programs) this.#programs.set(program.id, program);
    for (const { id, process, exitUs } of processes) {
      this.#processes.set(id, { process, exitedUs: exitUs === null ? Infinity : nowUs });
    }
    for (let row = 0; row < ends.count; row++) this.#answer(ends, row);
    for (const serial of over) {
      const flow = this.#flows.get(serial);
      if (flow !== undefined) flow.overUs = nowUs;
    }
    if (nowUs >= this.#sweepUs) this.#sweep();
  }

  /** What is written now is read without what was written before. */
  beginFile(): void {
    this.#file++;
  }

  answer(serial: number, side: number): Answer {
    const flow = this.#find(serial);
    if (flow === undefined) return NOT_ASKED;
    return side === 0 ? flow.src : flow.dst;
  }

  tell(serial: number, part: number): boolean {
    const flow = this.#find(serial);
    if (flow === undefined) return false; // nothing is known yet: it can be said with a later packet
    if (flow.file !== this.#file) [flow.file, flow.parts] = [this.#file, 0];
    const isNew = (flow.parts & part) === 0;
    flow.parts |= part;
    return isNew;
  }

  /** Whether a packet of that flow has to wait: something is still to be said of it, and it may soon be known better. */
  isPending(serial: number): boolean {
    const flow = this.#find(serial);
    if (flow === undefined) return true;
    if (flow.file === this.#file && flow.parts !== 0) return false;
    return !isFinal(flow.src) || !isFinal(flow.dst);
  }

  #find(serial: number): ToldFlow | undefined {
    if (serial !== this.#lastSerial) {
      this.#lastSerial = serial;
      this.#lastFlow = this.#flows.get(serial);
    }
    return this.#lastFlow;
  }

  #answer(ends: EndColumns, row: number): void {
    const { serial, side, process, program, source, match, reason, gapUs, holders } = ends;
    const flow = this.#of(serial[row]!);
    const evidence = {
      source: SOURCES[source[row]!]!,
      match: MATCHES[match[row]!]!,
      gapUs: gapUs[row]!,
      holders: holders[row]!,
    };
    const its = this.#programOf(program[row]!);
    const answer: Answer = {
      process: this.#processOf(process[row]!, its),
      program: its,
      socket: -1,
      holders: [],
      evidence: match[row] === 0 ? null : evidence,
      reason: REASONS[reason[row]!] ?? null,
      rule: null,
      acted: 0,
    };
    if (side[row] === 0) flow.src = answer;
    else flow.dst = answer;
    flow.parts = 0;
  }

  #of(serial: number): ToldFlow {
    const known = this.#flows.get(serial);
    if (known !== undefined) return known;
    if (this.#flows.size >= MOST_FLOWS) this.#flows.delete(this.#flows.keys().next().value!);
    const [bornUs, overUs] = [this.#nowUs, Infinity];
    const flow = { src: NOT_ASKED, dst: NOT_ASKED, parts: 0, file: this.#file, bornUs, overUs };
    this.#flows.set(serial, flow);
    return flow;
  }

  /** The flow keeps the program that it was given, also when its process runs another one since. */
  #processOf(id: number, program: Program | null): Process | null {
    const known = this.#processes.get(id)?.process;
    if (known === undefined) return null;
    return program === null || program.exe === known.exe ? known : { ...known, exe: program.exe };
  }

  #programOf(id: number): Program | null {
    return this.#programs.get(id) ?? null;
  }

  #sweep(): void {
    this.#sweepUs = this.#nowUs + SWEEP_US;
    for (const [serial, { bornUs, overUs }] of this.#flows) {
      const isGone = overUs < this.#nowUs - LINGER_US || bornUs < this.#nowUs - LONGEST_US;
      if (isGone) this.#flows.delete(serial);
    }
    const tooMany = this.#processes.size > MOST_PROCESSES;
    for (const [id, { exitedUs }] of this.#processes) {
      if (exitedUs < this.#nowUs - (tooMany ? LINGER_US : EXITED_US)) this.#processes.delete(id);
    }
  }
}

const isFinal = ({ process, reason }: Answer): boolean => process !== null || FINAL.has(reason);
