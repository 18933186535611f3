/** Files that were read into a database or made, with their hashes. */
import type { FileNote } from '../core/provenance.ts';
import { numberOf } from '../report/columns.ts';
import { escapeTerminal } from '../report/escape.ts';
import { formatLocal, localZone } from '../report/local-time.ts';
import { formatSize } from '../report/size.ts';
import { compileFiles } from '../store/provenance-writer.ts';
import type { Reader } from '../store/reader.ts';
import type { Context } from './context.ts';

const SHOWN = 10;

/** Of `read --db`: what has no hash although it is a file. */
export function warnOfChanges(context: Context, files: readonly FileNote[]): void {
  for (const { use, path, bytes, sha256 } of files) {
    if (sha256 === null && bytes !== null && use !== 'owners')
      context.err(`pcapid: ${escapeTerminal(path)} changed while it was read: its hash is not stored\n`);
  }
}

/** Of `db info`, latest first. @param isThere whether there is a file at a path: rotation deletes those that it made */
export function fileLines(reader: Reader, isThere: (path: string) => boolean): readonly string[] {
  const rows = reader.all(compileFiles(SHOWN));
  const lines = rows.flatMap((row) => {
    const size = row.bytes === null ? 'size not known' : formatSize(numberOf(row, 'bytes'));
    const hash = row.sha256 === null ? 'no hash' : `sha256 ${row.sha256}`;
    return [
      `${String(row.use).padEnd(12)}${row.path}${isThere(String(row.path)) ? '' : ' (not there any more)'}, ${size}, ${hash}`,
      `            ${formatLocal(numberOf(row, 'at_us'), localZone)} by pcapid ${row.version}: ${row.command}`,
    ];
  });
  const others = numberOf(rows[0] ?? {}, 'others');
  if (others > 0) lines.push(`            and ${others} more files: db sql 'SELECT * FROM provenance'`);
  return lines.map(escapeTerminal);
}
