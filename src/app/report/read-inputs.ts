/** Capture files as a database for a while: one set of queries answers for files and for recordings. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import type { Maker } from '../../core/provenance.ts';
import type { ReportInput } from '../../core/report.ts';
import { InterfaceNumbers } from '../../pcap/interface-numbers.ts';
import { Reader } from '../../store/reader.ts';
import type { FileInput } from '../read/file-input.ts';
import type { FileResult, FileSink } from '../read/file-reading.ts';
import type { History } from '../read/history.ts';
import { storeFiles } from '../read/store-file.ts';
import type { FactsMessage } from '../record/messages.ts';

export interface InputOptions extends Maker {
  readonly inputs: readonly FileInput[]; // pieces of one capture
  readonly facts: readonly FactsMessage[];
  readonly factsPath?: string | undefined;
  readonly history?: History | undefined;
  readonly historyPath?: string | undefined;
  readonly userName: (uid: number) => string | null;
  readonly grows: boolean; // no regular files: whoever stops has what came until then
  readonly stop: AbortSignal; // else gives up
  readonly onProgress: FileSink['onProgress'];
}

export interface ReadInputs {
  readonly inputs: readonly ReportInput[];
  readonly result: FileResult;
}

/**
 * The database lies in a folder of its own below os.tmpdir(), which is gone when this ends, whatever happens.
 *
 * @throws UserError
 */
export async function withInputs<T>(options: InputOptions, ask: (reader: Reader, read: ReadInputs) => T): Promise<T> {
  const { inputs: asked, grows, stop, onProgress, ...rest } = options;
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-report-')); // mode 0700
  const goOn = (): void => {
    if (stop.aborted && !grows)
      throw new UserError('given-up', 'given up, nothing was written', 'Run it again for a report.');
  };
  try {
    const database = join(folder, 'report.db');
    const reading = { inputs: asked, interfaces: new InterfaceNumbers(), stop };
    const result = await storeFiles({ ...rest, ...reading, database, decap: false, follow: false }, (...progress) => {
      goOn();
      onProgress(...progress);
    });
    goOn();
    const inputs = result.files.map((file, i): ReportInput => {
      const path = asked[i]?.path ?? file.path; // inputs come first, as they were called
      return { ...file, path, damage: damageOf(result, path) };
    });
    const reader = Reader.open(database);
    try {
      return ask(reader, { inputs, result });
    } finally {
      reader.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function damageOf({ damages }: FileResult, path: string): string | null {
  const found = damages.find((damage) => damage.path === path);
  if (found === undefined) return null;
  return found.offset === null
    ? `left out: ${found.what}`
    : `${found.what} (octet ${found.offset}); all before it was read`;
}
