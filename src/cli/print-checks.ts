import type { Check } from '../core/health.ts';
import { displayWidth, escapeTerminal } from '../report/escape.ts';

const SIGN = { ok: 'ok', degraded: '--', missing: 'NO' } as const;
const NAME_WIDTH = 15; // user-namespaces
const INDENT = ' '.repeat(2 + 2 + NAME_WIDTH + 2);

/** A line a check, wrapped at `width` cells; what is lost and what helps stand below it. */
export function formatCheck(check: Check, width = 80): string {
  const head = `${SIGN[check.state]}  ${check.name.padEnd(NAME_WIDTH)}  `;
  const lines = wrap(check.detail, width - INDENT.length);
  if (check.loss !== null) lines.push(...wrapAfter('lost: ', check.loss, width));
  if (check.remedy !== null) lines.push(...wrapAfter('help: ', check.remedy, width));
  return `${lines.map((line, i) => `${i === 0 ? head : INDENT}${line}\n`).join('')}`;
}

function wrapAfter(label: string, text: string, width: number): string[] {
  const lines = wrap(text, width - INDENT.length - label.length);
  return lines.map((line, i) => `${i === 0 ? label : ' '.repeat(label.length)}${line}`);
}

/** Breaks at spaces; a word that is longer than a line gets one of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of escapeTerminal(text).split(' ')) {
    const line = lines.at(-1)!;
    if (line === '') lines[lines.length - 1] = word;
    else if (displayWidth(line) + 1 + displayWidth(word) <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
