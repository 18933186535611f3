import type { Columns } from './columns.ts';

/** Connections whose addresses or ports are translated on their way (NAT), and the ends of such connections. */
export const TRANSLATION_COLUMNS = {
  original: 'key', // as its first sender writes it
  translated: 'key', // what it becomes, in the same direction
  ended: 'u8', // 1: no more
} as const;
export type TranslationColumns = Columns<typeof TRANSLATION_COLUMNS>;
