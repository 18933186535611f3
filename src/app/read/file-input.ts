/** A capture file that is to be read: whether it can be opened, and whether it ends. */
import { fstatSync, statSync } from 'node:fs';
import { PcapFileSource } from '../../capture/file.ts';
import { UserError } from '../../core/errors.ts';

export interface FileInput {
  readonly path: string; // how it is called in messages; opened when there is no `fd`
  readonly fd?: number; // standard input
  readonly onOctets?: ((octets: Uint8Array) => void) | undefined; // gets the file's own octets as they are read
}

/** @throws UserError when it cannot be opened */
export function tryOpen({ path, fd }: FileInput): void {
  try {
    new PcapFileSource({ path, fd }).close();
  } catch (error) {
    if (!isNoCapture(error)) throw error;
  }
}

export const isNoCapture = (error: unknown): error is UserError =>
  error instanceof UserError && error.code === 'not-pcap';

/** A pipe, or whatever else is no file. */
export function isGrowing({ path, fd }: FileInput): boolean {
  const stats = fd === undefined ? statSync(path, { throwIfNoEntry: false }) : fstatSync(fd);
  return stats !== undefined && !stats.isFile();
}
