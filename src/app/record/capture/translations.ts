import { UserError } from '../../../core/errors.ts';
import type { Us } from '../../../core/time.ts';
import type { Native } from '../../../native/binding.ts';
import type { NetnsPlace } from './capture-spaces.ts';
import { type HeardTranslations, TranslationWatch } from './translation-watch.ts';

/**
 * Which tuples are translated (NAT), in every namespace that is captured in. Where the kernel tracks no connections, or
 * may not tell, there is nothing: doctor says so.
 */
export class Translations {
  readonly #native: Native;
  readonly #watches = new Map<number, TranslationWatch | null>(); // by inode; null: refused

  constructor(native: Native) {
    this.#native = native;
  }

  /** @param places all that are captured in, the own one too */
  follow(places: readonly NetnsPlace[]): void {
    for (const { inode, path } of places) {
      if (!this.#watches.has(inode)) this.#watches.set(inode, this.#open(path));
    }
    const wanted = new Set(places.map(({ inode }) => inode));
    for (const [inode, watch] of this.#watches) {
      if (wanted.has(inode)) continue;
      watch?.close();
      this.#watches.delete(inode);
    }
  }

  /** Whether more waits than one read() takes. */
  get isBehind(): boolean {
    return [...this.#watches.values()].some((watch) => watch?.isBehind === true);
  }

  /** Calls `take` with what is new in a namespace. Never waits. @param nowUs any clock */
  read(nowUs: Us, take: (heard: HeardTranslations, netns: number) => void): void {
    for (const [inode, watch] of this.#watches) {
      const heard = watch?.read(nowUs);
      if (heard !== undefined) take(heard, inode);
    }
  }

  close(): void {
    this.follow([]);
  }

  #open(path: string): TranslationWatch | null {
    try {
      return new TranslationWatch(this.#native, path);
    } catch (error) {
      if (error instanceof UserError) return null;
      throw error;
    }
  }
}
