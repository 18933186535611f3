import type { Value } from '../core/record.ts';
import type { Row } from './columns.ts';

/** A deeper tree is drawn as if it ended here: hostile processes fork as deep as they like. */
const MOST_DEPTH = 20;

/**
 * Puts children below their parents, otherwise in the order of `rows`. Whose parent is not among them stands at the
 * margin.
 *
 * @param rows with `process` and `parent`, which are ids of one database; they get a `depth`
 */
export function processTree(rows: readonly Row[]): readonly Row[] {
  const ids = new Set(rows.map((row) => row.process));
  const children = new Map<Value, Row[]>();
  for (const row of rows) {
    const parent = ids.has(row.parent!) && row.parent !== row.process ? row.parent! : null;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [row]);
    else siblings.push(row);
  }
  const tree: Row[] = [];
  const waiting = (children.get(null) ?? []).map((row) => ({ row, depth: 0 })).reverse();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { row, depth } = next;
    tree.push({ ...row, depth: Math.min(depth, MOST_DEPTH) });
    const below = children.get(row.process!) ?? [];
    for (let i = below.length - 1; i >= 0; i--) waiting.push({ row: below[i]!, depth: depth + 1 });
  }
  return tree;
}
