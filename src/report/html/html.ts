/**
 * HTML that escapes by default: html`<td>${name}</td>`. Only what this tag made is put in as it is; there is no other way
 * to make it. Values stand in text or in attributes between double quotes, nowhere else.
 */
import { escapeTerminal } from '../escape.ts';

class Safe {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  markup(): string {
    return this.#markup;
  }
}
export type Html = Safe;
export type Part = Html | string | number | null | readonly Part[];

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Safe(strings.reduce((text, string, i) => text + markupOf(parts[i - 1] ?? null) + string));
}

/** Longest text that is put in: a page stays small, whatever processes are called. JSON has all of it. */
const MOST_TEXT = 300;

function markupOf(part: Part): string {
  if (part === null) return '';
  if (part instanceof Safe) return part.markup();
  if (typeof part === 'object') return part.map(markupOf).join('');
  const text = String(part);
  return escapeHtml(text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT)}…`);
}

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What hides, moves or turns text is shown as in a terminal; U+FFFE and U+FFFF are no characters of XML. */
function escapeHtml(text: string): string {
  return escapeTerminal(text)
    .replace(/[\ufffe\uffff]/g, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`)
    .replace(/[&<>"']/g, (character) => REFERENCES[character]!);
}
