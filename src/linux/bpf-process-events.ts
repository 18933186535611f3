/** Fork, exec and exit as the BPF programs report them: struct process_event of native/bpf/events.h. Pure. */
import { decodeHostile } from '../core/text.ts';
import { eachRecord, startTicksOf, timeUsOf } from './bpf-events.ts';
import { host16, host32, host64 } from './byte-order.ts';
import { parseCmdline } from './proc-pid.ts';

const HEADER_BYTES = 80;
const KIND = 0;
const PID = 4;
const TIME = 8;
const START = 16;
const PARENT_START = 24;
const CGROUP = 32;
const PARENT_PID = 40;
const UID = 44;
const NETNS = 48;
const EXIT_CODE = 52;
const FLAGS = 56;
const EXE_LENGTH = 58;
const ARGV_LENGTH = 60;
const COMM = 64;
const COMM_BYTES = 16;
const BACKSLASH = 0x5c;

const Kind = { Forked: 1, Executed: 2, Ended: 3 } as const;
const EXE_ASKED = 4; // flag

export interface ProcessMoment {
  readonly pid: number; // in the initial pid namespace
  readonly startTicks: number;
  readonly atUs: number; // CLOCK_BOOTTIME
}

/** What fork and exec tell of a process. */
export interface ProcessState extends ProcessMoment {
  readonly parentPid: number;
  readonly parentStartTicks: number; // 0: not known
  readonly comm: string; // printable
  readonly uid: number; // NO_UID when not known
  readonly cgroupId: number; // 0: not known
  readonly netns: number; // 0: not known
}

export interface ProcessSink {
  forked(child: ProcessState): void;
  /** @param exe null: not known, or longer than a page; @param argv null: it has none, or it could not be read */
  executed(state: ProcessState, exe: string | null, argv: readonly string[] | null): void;
  /** @param exitCode as wait(2) gives it; @param comm at the end: prctl(PR_SET_NAME) changes it and tells nobody */
  ended(moment: ProcessMoment, exitCode: number, comm: string): void;
}

/** Tells the sink everything in order. @returns records left out because they have another form */
export function decodeProcessEvents(bytes: Uint8Array, length: number, sink: ProcessSink): number {
  return eachRecord(bytes, length, (b, at, end) => decodeProcessEvent(b, at, end, sink));
}

function decodeProcessEvent(b: Uint8Array, at: number, end: number, sink: ProcessSink): boolean {
  if (end - at < HEADER_BYTES) return false;
  const kind = host32(b, at + KIND);
  const exeEnd = at + HEADER_BYTES + host16(b, at + EXE_LENGTH);
  const argvEnd = exeEnd + host32(b, at + ARGV_LENGTH);
  if (argvEnd > end) return false;
  const pid = host32(b, at + PID);
  const moment = { pid, startTicks: startTicksOf(b, at + START), atUs: timeUsOf(b, at + TIME) };
  if (kind === Kind.Forked) sink.forked(stateOf(b, at, moment));
  else if (kind === Kind.Executed) {
    const exe = exeOf(b.subarray(at + HEADER_BYTES, exeEnd), host16(b, at + FLAGS));
    sink.executed(stateOf(b, at, moment), exe, parseCmdline(b.subarray(exeEnd, argvEnd)));
  } else if (kind === Kind.Ended) sink.ended(moment, host32(b, at + EXIT_CODE), commOf(b, at + COMM));
  else return false;
  return true;
}

function stateOf(b: Uint8Array, at: number, moment: ProcessMoment): ProcessState {
  return {
    pid: moment.pid, // no spread: V8 makes a new shape of the object for each
    startTicks: moment.startTicks,
    atUs: moment.atUs,
    parentPid: host32(b, at + PARENT_PID),
    parentStartTicks: startTicksOf(b, at + PARENT_START),
    comm: commOf(b, at + COMM),
    uid: host32(b, at + UID),
    cgroupId: host64(b, at + CGROUP),
    netns: host32(b, at + NETNS),
  };
}

/** Nearly always plain ASCII, which takes a tenth of the time that a decoder takes. */
function commOf(b: Uint8Array, at: number): string {
  let text = '';
  for (let i = at; i < at + COMM_BYTES && b[i] !== 0; i++) {
    if (b[i]! > 0x7f || b[i] === BACKSLASH) return decodeHostile(untilNul(b.subarray(at, at + COMM_BYTES)));
    text += String.fromCharCode(b[i]!);
  }
  return text;
}

/** The file that runs. A name that execve() was only asked for counts when it leads somewhere by itself. */
function exeOf(bytes: Uint8Array, flags: number): string | null {
  const path = untilNul(bytes);
  if (path.length === 0 || ((flags & EXE_ASKED) !== 0 && path[0] !== '/'.charCodeAt(0))) return null;
  return decodeHostile(path);
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const nul = bytes.indexOf(0);
  return nul < 0 ? bytes : bytes.subarray(0, nul);
}
