/** What main has to do with the thread that writes packets: it tells it whose they are. */
import type { MessagePort } from 'node:worker_threads';
import { type FlowColumns, FlowFlag } from '../../../core/flow.ts';
import type { FileNote } from '../../../core/provenance.ts';
import type { InterfaceCount } from '../../../core/tick.ts';
import type { DropCounts, OwnersMessage, WriterCommand, WriterCounts, WriterReport } from '../messages.ts';
import type { NamedPlace } from '../netns-places.ts';
import type { WriterThreadData } from './writer-thread.ts';

/** What the thread is told at its start, but for its ports. */
export type WriteOptions = Omit<WriterThreadData, 'commands' | 'ring'>;

export interface WriterListeners {
  readonly onTrouble: (text: string) => void;
  readonly onWhole: (file: FileNote) => void; // no more packets come into it
  readonly onUnread: () => void; // who read what is written has gone: it is time to end
}

export class WriterLink {
  readonly #port: MessagePort | null;
  readonly #listeners: WriterListeners;
  readonly #ownNetns: number;
  readonly #told = new Set<string>(); // interfaces
  #drops = ''; // as told last
  #onReady: () => void = () => {};
  #onClosed: (counts: WriterCounts | null) => void = () => {};
  /** Settles when the last file is closed. */
  readonly closed: Promise<WriterCounts | null>;

  /** @param port null: no packets are written, nothing of this does anything */
  constructor(port: MessagePort | null, ownNetns: number, listeners: WriterListeners) {
    this.#port = port;
    this.#ownNetns = ownNetns;
    this.#listeners = listeners;
    this.closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
  }

  /** Opens the first file. Settles when that is done; what fails ends the recording. */
  begin(): Promise<void> {
    if (this.#port === null) return Promise.resolve();
    this.#say({ kind: 'begin' });
    return new Promise((resolve) => {
      this.#onReady = resolve;
    });
  }

  readonly take = (report: WriterReport): void => {
    if (report.kind === 'ready') this.#onReady();
    else if (report.kind === 'trouble') this.#listeners.onTrouble(report.text);
    else if (report.kind === 'whole') this.#listeners.onWhole(report.file);
    else if (report.kind === 'unread') this.#listeners.onUnread();
    else this.#onClosed(report.counts);
  };

  /** What a tick learned. The columns are copied. */
  tell(
    { ends, programs, processes }: Omit<OwnersMessage, 'over'>,
    flows: FlowColumns,
    interfaces: readonly InterfaceCount[],
    places: readonly NamedPlace[],
    { received, kernelDrops, interfaceDrops }: DropCounts,
  ): void {
    if (this.#port === null) return;
    this.#tellDrops({ received, kernelDrops, interfaceDrops });
    this.#tellInterfaces(interfaces, places);
    const over: number[] = [];
    for (let i = 0; i < flows.count; i++) if ((flows.flags[i]! & FlowFlag.Ended) !== 0) over.push(flows.serial[i]!);
    if (ends.count + processes.length + programs.length + over.length === 0) return;
    this.#say({ kind: 'owners', ends, programs, processes, over: Float64Array.from(over) });
  }

  end(): void {
    if (this.#port === null) this.#onClosed(null);
    else this.#say({ kind: 'end' });
  }

  close(): void {
    this.#port?.close();
  }

  #tellDrops(drops: DropCounts): void {
    const text = Object.values(drops).join();
    if (text === this.#drops) return;
    this.#drops = text;
    this.#say({ kind: 'drops', drops });
  }

  #tellInterfaces(interfaces: readonly InterfaceCount[], places: readonly NamedPlace[]): void {
    const fresh = interfaces.filter(({ netns, ifindex }) => !this.#told.has(`${netns} ${ifindex}`));
    if (fresh.length === 0) return;
    const named = fresh.map(({ netns, ifindex, name }) => ({
      netns,
      ifindex,
      name,
      place: this.#place(netns, places),
    }));
    for (const { netns, ifindex } of fresh) this.#told.add(`${netns} ${ifindex}`);
    this.#say({ kind: 'interfaces', interfaces: named });
  }

  #place(netns: number, places: readonly NamedPlace[]): string {
    if (netns === this.#ownNetns || netns === 0) return '';
    const name = places.find(({ inode }) => inode === netns)?.name ?? '';
    return `network namespace ${name === '' ? netns : name}`;
  }

  #say(command: WriterCommand): void {
    this.#port?.postMessage(command);
  }
}
