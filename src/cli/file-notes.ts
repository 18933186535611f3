/** `annotate --db` and `split --db`: what was made of what, in a database that is named for it. */
import { resolve } from 'node:path';
import { FileMarks } from '../app/provenance/file-marks.ts';
import { noteFiles } from '../app/provenance/note-files.ts';
import { UserError } from '../core/errors.ts';
import type { FileNote } from '../core/provenance.ts';
import type { Context } from './context.ts';
import { thisRun } from './this-run.ts';

export interface NoteFlags {
  readonly db?: string;
  readonly facts?: string;
  readonly owners?: string;
}

export class FileNotes {
  readonly #context: Context;
  readonly #database: string | undefined;
  readonly #marks: FileMarks;

  /** @throws UserError when nothing can be noted there, before the work begins */
  constructor(context: Context, { db, facts, owners }: NoteFlags) {
    this.#context = context;
    this.#database = db === undefined ? undefined : resolve(context.cwd, db);
    // Nobody writes into what names come from: it is evidence itself.
    if (db !== undefined && owners !== undefined && resolve(context.cwd, owners) === this.#database) {
      const hint = 'Name another database, which may be new.';
      throw new UserError('bad-flags', '--owners is only read, so --db has to be another database', hint);
    }
    this.#note([]);
    this.#marks = new FileMarks([
      ...(db === undefined || facts === undefined ? [] : [{ use: 'facts', path: resolve(facts) } as const]),
      ...(db === undefined || owners === undefined ? [] : [{ use: 'owners', path: resolve(owners) } as const]),
    ]);
  }

  async write(input: FileNote, outputs: readonly FileNote[]): Promise<void> {
    this.#note([input, ...(await this.#marks.take()), ...outputs]);
  }

  #note(files: readonly FileNote[]): void {
    noteFiles(this.#database, { ...thisRun(), atUs: this.#context.nowUs(), files });
  }
}
