import { refuseSameFile } from '../app/files/output-file.ts';

/** What a command reads, beside the capture files. */
export interface ReadBeside {
  readonly owners?: string;
  readonly facts?: string;
  readonly db?: string;
}

/** Before anything is written with --force: evidence is not replaced by what is made of it. @throws UserError */
export function keepInputs(output: string, captures: readonly string[], { owners, facts, db }: ReadBeside): void {
  for (const path of [...captures, owners, facts, db]) if (path !== undefined) refuseSameFile(path, output);
}
