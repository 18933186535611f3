import { CommentStyle } from './comment-style.ts';
import type { WrittenOwners } from './flow-owners.ts';
import type { OwnerStyle } from './owner-style.ts';
import { DarwinStyle, InfoStyle } from './process-style.ts';

/** How owners may be written into a file, docs/wireshark.md. */
export const STYLES = ['comments', 'pib', 'darwin'] as const;
export type Style = (typeof STYLES)[number];

/** @param every packet is marked, not only the first of its flow */
export function styleOf(style: Style, owners: WrittenOwners, every: boolean): OwnerStyle {
  if (style === 'pib') return new InfoStyle(owners, every);
  return style === 'darwin' ? new DarwinStyle(owners, every) : new CommentStyle(owners, every);
}
