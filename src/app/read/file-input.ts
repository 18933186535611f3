/** What is read: files, pipes and standard input, as the caller named them. */
import { fstatSync, statSync } from 'node:fs';
import { PcapFileSource } from '../../capture/file.ts';
import { UserError } from '../../core/errors.ts';

export interface FileInput {
  readonly path: string; // how it is called in messages; opened when there is no `fd`
  readonly fd?: number; // standard input
  readonly onOctets?: ((octets: Uint8Array) => void) | undefined; // gets the file's own octets as they are read
}

/** @throws UserError when it cannot be opened */
export function tryOpen(path: string): void {
  try {
    new PcapFileSource({ path }).close();
  } catch (error) {
    if (!isNoCapture(error)) throw error;
  }
}

export const isNoCapture = (error: unknown): error is UserError =>
  error instanceof UserError && error.code === 'not-pcap';

/** Also a socket, a terminal and whatever else is neither file nor folder: what comes of it comes once, when it comes. */
export function isPipe({ path, fd }: FileInput): boolean {
  const stats = fd === undefined ? statSync(path, { throwIfNoEntry: false }) : fstatSync(fd);
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}
