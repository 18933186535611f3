/** The workload and where it runs: this namespace, one behind a veth, and a container behind a router. */
import { execFileSync } from 'node:child_process';
import { type Child, startChild } from './child.ts';
import { compileC } from './compile.ts';
import { connectMasqueraded } from './masquerade.ts';
import { NetnsLab } from './netns.ts';
import { waitFor } from './wait.ts';

// Of the veth in this namespace, which goes away with its other end. Other runs at the same time have other networks.
const NETWORK = `10.${100 + ((process.pid >> 8) & 127)}.${process.pid & 255}`;
const HOST = `${NETWORK}.1`;
const FAR = `${NETWORK}.2`;

/** The servers of workload.c have ports from 17000 on, and nobody else has. */
export const LOAD_FILTER = 'portrange 17000-17999';

export interface Load {
  readonly repeat: number; // of each scenario
  readonly gapUs: number;
  readonly storm: number; // ends of sockets without gaps, instead of all that; 0: none
  readonly scenarios?: string; // words of their names, or sets, separated by commas; all when left out
}

export class Stage {
  readonly device = `pcapid${process.pid}`; // here, of the veth to the far namespace
  readonly #lab = new NetnsLab();
  readonly #places: readonly string[];
  readonly #programs = new Map<string, string>();

  constructor() {
    const far = this.#lab.create();
    const link = this.device;
    const ip = (...words: string[]): void => void execFileSync('ip', words, { stdio: 'pipe' });
    ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'veth0', 'netns', far.name);
    ip('address', 'add', `${HOST}/24`, 'dev', link);
    ip('link', 'set', link, 'up');
    far.exec('ip', 'address', 'add', `${FAR}/24`, 'dev', 'veth0');
    far.exec('ip', 'link', 'set', 'veth0', 'up');
    const { container, outside, containerHost, outsideHost } = connectMasqueraded(this.#lab);
    this.#places = [
      `host=,${HOST}`,
      `far=${far.path},${FAR}`,
      `container=${container.path},${containerHost}`,
      `outside=${outside.path},${outsideHost}`,
    ];
  }

  /** A C program of this folder. */
  program(name: string, ...parts: readonly string[]): string {
    const known = this.#programs.get(name) ?? compileC(`accuracy/${name}`, ...parts);
    if (known === undefined) throw new Error('no C compiler');
    this.#programs.set(name, known);
    return known;
  }

  /** Idle processes, as a real host has them. */
  async startCrowd(processes: number, descriptors: number): Promise<void> {
    const crowd = startChild([this.program('crowd'), `${processes}`, `${descriptors}`], { keepInput: true });
    await waitFor(() => crowd.out().includes('ready'), 30_000, 'the crowd');
  }

  /** Starts servers and old connections. What is returned runs the rest, to its end. */
  async startWorkload(log: string, { repeat, gapUs, storm, scenarios = '' }: Load): Promise<() => Promise<void>> {
    const program = this.program('workload', 'clients', 'held', 'servers', 'truth', 'uring');
    const words = [log, repeat, gapUs, storm, scenarios, ...this.#places].map(String);
    const workload: Child = startChild([program, ...words], { keepInput: true });
    await waitFor(() => workload.out().includes('ready'), 30_000, `the workload to be ready\n${workload.err()}`);
    return async () => {
      workload.say('go\n');
      const { code, err } = await workload.done;
      if (code !== 0) throw new Error(`the workload failed with ${code}\n${err}`);
    };
  }

  close(): void {
    this.#lab.close();
  }
}
