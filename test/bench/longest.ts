/** The longest of some spans of work, by the clock and in CPU time of the process. */
export class Longest {
  #wallMs = 0;
  #cpuMs = 0;
  #since: readonly [wallMs: number, cpuMs: number] | undefined;

  time(work: () => void): void {
    this.look();
    work();
    this.look();
    this.pause();
  }

  /** The span since the last look ends, the next one begins. @returns the time */
  look(): number {
    const [wallMs, cpuMs] = [performance.now(), cpuNowMs()];
    if (this.#since !== undefined) {
      this.#wallMs = Math.max(this.#wallMs, wallMs - this.#since[0]);
      this.#cpuMs = Math.max(this.#cpuMs, cpuMs - this.#since[1]);
    }
    this.#since = [wallMs, cpuMs];
    return wallMs;
  }

  pause(): void {
    this.#since = undefined;
  }

  toString(): string {
    return `${this.#wallMs.toFixed(0)} (${this.#cpuMs.toFixed(0)})`;
  }
}

function cpuNowMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
