import type { LiveOptions } from '../../../capture/live.ts';
import { UserError } from '../../../core/errors.ts';
import type { CaptureStats } from '../../../core/packet.ts';
import type { Native } from '../../../native/binding.ts';
import { type CaptureInput, openCap, openLive } from './capture-input.ts';

/** A network namespace to capture in. */
export interface NetnsPlace {
  readonly inode: number; // 0: not known (the recorder's own, where /proc does not say)
  readonly path: string; // leads there while it exists; '' is the namespace of the recorder
}

/** An open capture, and the index of the namespace that its packets were seen in. */
export interface SpaceInput {
  readonly input: CaptureInput;
  readonly netns: number;
}

export interface SpaceOptions extends Omit<LiveOptions, 'device' | 'netnsPath'> {
  readonly devices: readonly string[];
  readonly backend: 'libpcap' | 'cap';
}

/** Ring of captures in other namespaces: the first few have as much as the own one, of hundreds each at least this. */
const LEAST_RING_BYTES = 2 << 20;
const FULL_RINGS = 4;
/** Bits of the index in a flow's key. */
const MOST_SPACES = 0xffff;

/**
 * The namespaces that are captured in: index 0 is the recorder's own, others come and go. An index is never given to
 * another namespace, so that flows of one that is gone stay its own.
 */
export class CaptureSpaces {
  readonly #native: Native;
  readonly #options: SpaceOptions;
  readonly #inodes: number[]; // by index
  readonly #open = new Map<number, readonly SpaceInput[]>(); // by index
  readonly #refused = new Map<number, string>(); // inode -> why nothing is captured there
  #gone: CaptureStats = { received: 0, kernelDrops: 0, interfaceDrops: 0 }; // of captures that are closed
  inputs: readonly SpaceInput[] = []; // replaced when namespaces come or go

  /** @throws UserError when the own namespace cannot be captured */
  constructor(native: Native, options: SpaceOptions, ownInode: number) {
    this.#native = native;
    this.#options = options;
    this.#inodes = [ownInode];
    this.#open.set(
      0,
      options.devices.map((device) => ({ input: this.#openDevice(device, ''), netns: 0 })),
    );
    this.#list();
  }

  readonly inodeOf = (index: number): number => this.#inodes[index] ?? 0;

  /** -1: no packets of that namespace were ever captured. */
  readonly indexOf = (inode: number): number => (inode === 0 ? 0 : this.#inodes.indexOf(inode));

  /** Opens what is new in the list and closes what is not in it any more; the own namespace always stays. */
  follow(places: readonly NetnsPlace[]): void {
    for (const place of places) if (place.inode !== this.#inodes[0]) this.#enter(place);
    const wanted = new Set(places.map(({ inode }) => inode));
    for (const index of this.#open.keys()) {
      if (index !== 0 && !wanted.has(this.#inodes[index]!)) this.#leave(index);
    }
    for (const inode of this.#refused.keys()) if (!wanted.has(inode)) this.#refused.delete(inode);
    this.#list();
  }

  stats(): readonly CaptureStats[] {
    return [this.#gone, ...this.inputs.map(({ input }) => input.source.stats())];
  }

  troubles(): string[] {
    const texts = this.inputs.map(({ input }) => input.trouble()).filter((text) => text !== '');
    return [...texts, ...this.#refused.values()];
  }

  close(): void {
    for (const { input } of this.inputs) input.close();
  }

  #enter({ inode, path }: NetnsPlace): void {
    const known = this.#inodes.indexOf(inode);
    if (this.#open.has(known) || this.#refused.has(inode)) return;
    const index = known === -1 ? this.#inodes.length : known;
    if (index > MOST_SPACES) return;
    const inputs: SpaceInput[] = [];
    for (const device of this.#options.devices) {
      try {
        inputs.push({ input: this.#openDevice(device, path), netns: index });
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        if (error.code !== 'no-such-interface' && error.code !== 'no-such-netns') this.#refuse(inode, error);
      }
    }
    if (inputs.length === 0) return;
    this.#inodes[index] = inode;
    this.#open.set(index, inputs);
  }

  #refuse(inode: number, error: UserError): void {
    this.#refused.set(inode, `nothing is captured in network namespace ${inode}: ${error.message}`);
  }

  /** An open capture would keep the namespace alive. */
  #leave(index: number): void {
    for (const { input } of this.#open.get(index) ?? []) {
      this.#gone = sumStats(this.#gone, input.source.stats());
      input.close();
    }
    this.#open.delete(index);
  }

  #list(): void {
    this.inputs = [...this.#open.values()].flat();
  }

  #openDevice(device: string, netnsPath: string): CaptureInput {
    const { backend, devices: _, ...options } = this.#options;
    const ringBytes = netnsPath === '' ? options.ringBytes : this.#foreignRingBytes();
    const live = { ...options, device, ringBytes, netnsPath };
    return backend === 'cap' && netnsPath === '' ? openCap(live) : openLive(this.#native, live);
  }

  #foreignRingBytes(): number {
    const { ringBytes } = this.#options;
    const halvings = Math.floor((this.#open.size - 1) / FULL_RINGS);
    return Math.min(ringBytes, Math.max(LEAST_RING_BYTES, ringBytes / 2 ** halvings));
  }
}

function sumStats(a: CaptureStats, b: CaptureStats): CaptureStats {
  const sum = (x: number | undefined, y: number | undefined): number => (x ?? 0) + (y ?? 0);
  return {
    received: sum(a.received, b.received),
    kernelDrops: sum(a.kernelDrops, b.kernelDrops),
    interfaceDrops: sum(a.interfaceDrops, b.interfaceDrops),
  };
}
