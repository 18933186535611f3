import { decodeHostile } from '../core/text.ts';

/** A process as a capture file speaks of it: whatever its writer knew. */
export interface NotedProcess {
  readonly pid: number;
  readonly startUs: number; // microseconds since the epoch, 0: not known
  readonly startTicks: number | null; // since boot, as pcapid writes it
  readonly comm: string | null;
  readonly exe: string | null;
  readonly argv: readonly string[] | null;
  readonly uid: number | null;
  readonly parentPid: number | null;
  readonly unit: string | null;
  readonly container: string | null;
  readonly isLikely: boolean; // its writer was not sure
  readonly gapUs: number; // between the packets and what named it, as far as the writer says
}

const NOTHING: Omit<NotedProcess, 'pid'> = {
  startUs: 0,
  startTicks: null,
  comm: null,
  exe: null,
  argv: null,
  uid: null,
  parentPid: null,
  unit: null,
  container: null,
  isLikely: false,
  gapUs: 0,
};

export function notedProcess(pid: number, known: Partial<NotedProcess> = {}): NotedProcess {
  return { pid, ...NOTHING, ...known };
}

/** Octets of a view as text, up to the first zero. */
export function textAt(view: DataView, from: number, length: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + from, length);
  const zero = bytes.indexOf(0);
  return decodeHostile(zero === -1 ? bytes : bytes.subarray(0, zero));
}

/** Arguments that end in a zero each, the last one perhaps not. */
export function wordsAt(view: DataView, from: number, length: number): readonly string[] {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + from, Math.min(length, MOST_ARGUMENTS));
  const words: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const zero = bytes.indexOf(0, at);
    const end = zero === -1 ? bytes.length : zero;
    words.push(decodeHostile(bytes.subarray(at, end)));
    at = end + 1;
  }
  return words;
}

const MOST_ARGUMENTS = 4096; // octets, as much as is kept of a live process
