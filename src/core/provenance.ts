import type { Us } from './time.ts';

/** What a file was used for: `facts` and `owners` are where names came from. */
export type FileUse = 'input' | 'output' | 'facts' | 'owners';

/** A file that was read into a database, or made. */
export interface FileNote {
  readonly use: FileUse;
  readonly path: string; // absolute
  readonly bytes: number | null; // null: no regular file
  readonly sha256: string | null; // hexadecimal; null: no regular file, or it changed meanwhile
}

/** Who makes a file or a database. */
export interface Maker {
  readonly version: string;
  readonly command: string; // words of the command line
}

/** One run of the program that used files. */
export interface FileRun extends Maker {
  readonly atUs: Us;
  readonly files: readonly FileNote[];
}
