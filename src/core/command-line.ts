import { MAX_TEXT } from './text.ts';

/**
 * argv as one line that a POSIX shell would split again into the same words (XCU section 2.2.2).
 * Longer lines are cut at MAX_TEXT characters, shown by a final ellipsis.
 */
export function commandLine(argv: readonly string[]): string {
  let line = '';
  for (const word of argv) {
    line += line === '' ? quote(word) : ` ${quote(word)}`;
    if (line.length > MAX_TEXT) return `${line.slice(0, MAX_TEXT - 1)}…`;
  }
  return line;
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The words of a line that commandLine() made. */
export function splitCommandLine(line: string): readonly string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:'[^']*'?|\\'|[^\s'\\])+/g)) {
    words.push(word.replaceAll(/'([^']*)'?|\\(')/g, (_, quoted?: string, escaped?: string) => quoted ?? escaped ?? ''));
  }
  return words;
}
