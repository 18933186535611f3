/** Which tuples were translated into which others, and from when to when: what is stored of address translation. */
import { createColumns, pushRow } from '../../core/columns.ts';
import type { Us } from '../../core/time.ts';
import { TRANSLATION_HISTORY_COLUMNS, type TranslationHistoryColumns } from '../../core/translation.ts';
import { KEY_WORDS } from '../../core/tuple.ts';
import type { HeardTranslations } from './capture/translation-watch.ts';

/** Translations in force; beyond, the oldest is taken for over. */
const MOST = 65_536;

interface InForce {
  readonly id: number;
  readonly netns: number; // inode
  readonly keys: Int32Array; // the original tuple, then the translated one
  readonly translated: string; // place in #byTranslated
  readonly fromUs: Us;
}

/**
 * Intervals are cautious: a translation may have begun right after all before it was told, and ended then. The kernel
 * keeps one for seconds after its last packet, so intervals of one tuple never overlap and still hold all packets.
 */
export class TranslationLog {
  readonly #byOriginal = new Map<string, InForce>(); // oldest first
  readonly #byTranslated = new Map<string, string>(); // place in #byOriginal
  readonly #most: number;
  #rows: TranslationHistoryColumns = createColumns(TRANSLATION_HISTORY_COLUMNS);
  #ids = 0;
  lost = 0; // since the start

  constructor(most = MOST) {
    this.#most = most;
  }

  /** @param nowUs on the clock of the watch */
  note({ found, isList, sinceUs }: HeardTranslations, netns: number, nowUs: Us): void {
    const listed = new Set<string>();
    for (let i = 0; i < found.count; i++) {
      const keys = new Int32Array(2 * KEY_WORDS);
      keys.set(found.original.subarray(i * KEY_WORDS, (i + 1) * KEY_WORDS));
      keys.set(found.translated.subarray(i * KEY_WORDS, (i + 1) * KEY_WORDS), KEY_WORDS);
      const original = placeOf(netns, keys.subarray(0, KEY_WORDS));
      if (found.ended[i] === 1) this.#end(original, sinceUs, nowUs);
      else this.#begin(original, keys, netns, sinceUs, nowUs);
      listed.add(original);
    }
    if (!isList) return;
    for (const [original, one] of this.#byOriginal)
      if (one.netns === netns && !listed.has(original)) this.#end(original, sinceUs, nowUs);
  }

  /** What began or ended since the last call. */
  take(): TranslationHistoryColumns {
    const rows = this.#rows;
    this.#rows = createColumns(TRANSLATION_HISTORY_COLUMNS);
    return rows;
  }

  #begin(original: string, keys: Int32Array, netns: number, sinceUs: Us, nowUs: Us): void {
    const translated = placeOf(netns, keys.subarray(KEY_WORDS));
    const known = this.#byOriginal.get(original);
    if (known?.translated === translated) return; // of a list
    if (known !== undefined) this.#end(original, sinceUs, nowUs); // nobody told
    const former = this.#byTranslated.get(translated);
    if (former !== undefined) this.#end(former, sinceUs, nowUs);
    if (this.#rows.count >= this.#most) {
      this.lost++; // nobody takes them
      return;
    }
    if (this.#byOriginal.size >= this.#most) {
      this.lost++;
      this.#end(this.#byOriginal.keys().next().value!, sinceUs, nowUs);
    }
    const one = { id: ++this.#ids, netns, keys, translated, fromUs: sinceUs };
    this.#byOriginal.set(original, one);
    this.#byTranslated.set(translated, original);
    this.#tell(one, 0);
  }

  #end(original: string, sinceUs: Us, nowUs: Us): void {
    const one = this.#byOriginal.get(original);
    if (one === undefined) return;
    this.#byOriginal.delete(original);
    this.#byTranslated.delete(one.translated);
    this.#tell(one, one.fromUs < sinceUs ? sinceUs : nowUs);
  }

  #tell({ id, netns, keys, fromUs }: InForce, toUs: Us): void {
    const rows = this.#rows;
    const row = pushRow(rows);
    rows.id[row] = id;
    rows.netns[row] = netns;
    rows.original.set(keys.subarray(0, KEY_WORDS), row * KEY_WORDS);
    rows.translated.set(keys.subarray(KEY_WORDS), row * KEY_WORDS);
    rows.fromUs[row] = fromUs;
    rows.toUs[row] = toUs;
  }
}

function placeOf(netns: number, key: Int32Array): string {
  return `${netns} ${String.fromCharCode(...new Uint16Array(key.buffer, key.byteOffset, 2 * KEY_WORDS))}`;
}

/** Moves the times from boottime to the time of day. @param wallUs as ClockSteps.wallUs() */
export function toTimeOfDay(rows: TranslationHistoryColumns, wallUs: (bootUs: Us) => Us): TranslationHistoryColumns {
  for (let row = 0; row < rows.count; row++) {
    rows.fromUs[row] = wallUs(rows.fromUs[row]!);
    if (rows.toUs[row] !== 0) rows.toUs[row] = Math.max(rows.fromUs[row]!, wallUs(rows.toUs[row]!));
  }
  return rows;
}
