import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { FileNote, FileRun, FileUse } from '../../core/provenance.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { openStore } from '../record/open-store.ts';

export function fileNote(use: FileUse, path: string, sha256: string): FileNote {
  return { use, path: resolve(path), bytes: statSync(path).size, sha256 };
}

/** Notes files that did not become flows. @param database absolute; undefined: nobody wants it @throws UserError */
export function noteFiles(database: string | undefined, run: FileRun): void {
  if (database === undefined) return;
  const store = openStore(database, new ProcFs('/proc'));
  try {
    store.noteFiles(run);
  } finally {
    store.close();
  }
}
