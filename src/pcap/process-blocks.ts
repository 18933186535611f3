/**
 * Blocks that speak of processes: Apple's (Wireshark's packet-darwin.c), Wireshark's Process Information Block inside a
 * custom block (wiretap/pcapng-wireshark-custom.c) and those of Hone (hone-pcapng.txt).
 */
import { MAX_TEXT } from '../core/text.ts';
import { type NotedProcess, notedProcess, textAt, wordsAt } from './noted-process.ts';
import { BlockType, forEachOption } from './pcapng-blocks.ts';

/** What is kept of one section; more is left out. */
const MOST_PROCESSES = 16_384;
const MOST_CONNECTIONS = 262_144;

export const WIRESHARK = 32622; // private enterprise number, in the byte order of the section
export const ENTRY_PROCESS = 3; // what follows is always little-endian: type, length, pid, options

export const InfoOption = { Name: 2, Path: 3, Arguments: 4, ParentPid: 5, Uid: 6, StartTime: 9 } as const;
export const DarwinOption = { Name: 2, Path: 3 } as const;
const HoneOption = { Event: 2, Path: 3, Arguments: 4, ParentPid: 5, Uid: 6 } as const;
const HONE_END = 0xffffffff;

/** Processes and connections of one section. */
export class ProcessBlocks {
  readonly #byPid = new Map<number, NotedProcess[]>(); // those that had the pid
  readonly #darwin: NotedProcess[] = []; // packets name them by index
  readonly #connections = new Map<number, number>(); // Hone's: number of a connection to pid
  #size = 0;

  /** @param at, end what stands between the two lengths of the block */
  take(view: DataView, type: number, at: number, end: number, littleEndian: boolean): void {
    if (type === BlockType.DarwinProcess && end - at >= 4) this.#takeDarwin(view, at, end, littleEndian);
    else if (type === BlockType.HoneProcess && end - at >= 12) this.#takeHone(view, at, end, littleEndian);
    else if (type === BlockType.HoneConnection && end - at >= 16) this.#connect(view, at, end, littleEndian);
    else if (type === BlockType.Custom || type === BlockType.CustomNoCopy) {
      if (isInfo(view, at, end, littleEndian)) this.#takeInfo(view, at + 4, end);
    }
  }

  /** The one that had begun last by then; before all of them the first; without times the one that was told last. */
  byPid(pid: number, atUs: number): NotedProcess {
    const all = this.#byPid.get(pid) ?? [];
    let best: NotedProcess | undefined;
    let first: NotedProcess | undefined;
    for (const one of all) {
      if (one.startUs <= atUs && (best === undefined || one.startUs >= best.startUs)) best = one;
      if (first === undefined || one.startUs < first.startUs) first = one;
    }
    return best ?? first ?? this.#add(notedProcess(pid));
  }

  byDarwinIndex(index: number): NotedProcess | undefined {
    return this.#darwin[index];
  }

  /** @returns undefined when the file does not say whose it is */
  pidOfConnection(connection: number): number | undefined {
    return this.#connections.get(connection);
  }

  #add(process: NotedProcess): NotedProcess {
    if (this.#size >= MOST_PROCESSES) return process;
    this.#size++;
    const all = this.#byPid.get(process.pid) ?? [];
    const at = all.findIndex(({ startUs }) => startUs === process.startUs);
    all[at === -1 ? all.length : at] = process;
    this.#byPid.set(process.pid, all);
    return process;
  }

  #takeDarwin(view: DataView, at: number, end: number, littleEndian: boolean): void {
    if (this.#darwin.length >= MOST_PROCESSES) return;
    const known: { comm?: string; exe?: string } = {};
    forEachOption(view, at + 4, end, littleEndian, (code, from, length) => {
      if (code === DarwinOption.Name) known.comm = textAt(view, from, length);
      else if (code === DarwinOption.Path) known.exe = textAt(view, from, length);
    });
    this.#darwin.push(notedProcess(view.getUint32(at, littleEndian), known));
  }

  #takeInfo(view: DataView, at: number, end: number): void {
    const entryEnd = Math.min(end, at + 8 + view.getUint32(at + 4, true));
    if (entryEnd - at < 12) return;
    const known: { -readonly [K in keyof NotedProcess]?: NotedProcess[K] } = {};
    forEachOption(view, at + 12, entryEnd, true, (code, from, length) => {
      if (code === InfoOption.Name) known.comm = textAt(view, from, length);
      else if (code === InfoOption.Path) known.exe = textAt(view, from, length);
      else if (code === InfoOption.Arguments) known.argv = wordsAt(view, from, length);
      else if (code === InfoOption.ParentPid && length === 4) known.parentPid = view.getUint32(from, true);
      else if (code === InfoOption.Uid && length === 4) known.uid = view.getUint32(from, true);
      else if (code === InfoOption.StartTime && length === 8) {
        known.startUs = Number(view.getBigUint64(from, true) / 1000n); // nanoseconds
      }
    });
    this.#add(notedProcess(view.getUint32(at + 8, true), known));
  }

  #takeHone(view: DataView, at: number, end: number, littleEndian: boolean): void {
    const known: { -readonly [K in keyof NotedProcess]?: NotedProcess[K] } = {};
    let event = 0;
    let argumentsFrom = -1;
    let argumentsLength = 0;
    forEachOption(view, at + 12, end, littleEndian, (code, from, length) => {
      const isWord = length === 4;
      if (code === HoneOption.Event && isWord) event = view.getUint32(from, littleEndian);
      else if (code === HoneOption.Path)
        known.exe = ((known.exe ?? '') + textAt(view, from, length)).slice(0, MAX_TEXT);
      else if (code === HoneOption.Arguments && argumentsFrom === -1) [argumentsFrom, argumentsLength] = [from, length];
      else if (code === HoneOption.ParentPid && isWord) known.parentPid = view.getUint32(from, littleEndian);
      else if (code === HoneOption.Uid && isWord) known.uid = view.getUint32(from, littleEndian);
    });
    if (event === HONE_END) return;
    if (argumentsFrom !== -1) known.argv = wordsAt(view, argumentsFrom, argumentsLength);
    known.startUs = view.getUint32(at + 4, littleEndian) * 2 ** 32 + view.getUint32(at + 8, littleEndian);
    this.#add(notedProcess(view.getUint32(at, littleEndian), known));
  }

  #connect(view: DataView, at: number, end: number, littleEndian: boolean): void {
    let isClosing = false;
    forEachOption(view, at + 16, end, littleEndian, (code, from, length) => {
      if (code === HoneOption.Event && length === 4) isClosing = view.getUint32(from, littleEndian) !== 0;
    });
    const connection = view.getUint32(at, littleEndian);
    if (isClosing || this.#connections.size >= MOST_CONNECTIONS) return; // its last packets may still come
    this.#connections.set(connection, view.getUint32(at + 4, littleEndian));
  }
}

/** Whether a block is Apple's or Wireshark's kind of it; arguments as of take(). */
export function isProcessBlock(view: DataView, type: number, at: number, end: number, littleEndian: boolean): boolean {
  if (type === BlockType.Custom || type === BlockType.CustomNoCopy) return isInfo(view, at, end, littleEndian);
  return type === BlockType.DarwinProcess;
}

function isInfo(view: DataView, at: number, end: number, littleEndian: boolean): boolean {
  if (end - at < 16 || view.getUint32(at, littleEndian) !== WIRESHARK) return false;
  return view.getUint32(at + 4, true) === ENTRY_PROCESS;
}
