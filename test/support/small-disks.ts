/** Small disks that can be filled. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class SmallDisks {
  readonly #folders: string[] = [];

  /** @param size as mount(8) takes it: 2m @returns the folder that it is mounted on */
  mount(size: string): string {
    const folder = mkdtempSync(join(tmpdir(), 'pcapid-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', folder]);
    this.#folders.push(folder);
    return folder;
  }

  /** There is room again. */
  enlarge(folder: string, size: string): void {
    execFileSync('mount', ['-o', `remount,size=${size}`, folder]);
  }

  close(): void {
    for (const folder of this.#folders) {
      execFileSync('umount', [folder]);
      rmSync(folder, { recursive: true });
    }
  }
}
