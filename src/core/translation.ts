import type { Columns } from './columns.ts';

/** Connections whose addresses or ports are translated on their way (NAT), and the ends of such connections. */
export const TRANSLATION_COLUMNS = {
  original: 'key', // as its first sender writes it
  translated: 'key', // what it becomes, in the same direction
  ended: 'u8', // 1: no more
} as const;
export type TranslationColumns = Columns<typeof TRANSLATION_COLUMNS>;

/** What is stored of them: a row when one begins, and again (same id) when it ends. */
export const TRANSLATION_HISTORY_COLUMNS = {
  id: 'f64', // counted from 1 within one recording
  netns: 'f64', // inode of the namespace that translates, 0: not known
  original: 'key',
  translated: 'key',
  fromUs: 'f64', // not later than it began
  toUs: 'f64', // 0: in force
} as const;
export type TranslationHistoryColumns = Columns<typeof TRANSLATION_HISTORY_COLUMNS>;
