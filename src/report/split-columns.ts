/** Files that a capture was split into, for people. */
import { type Column, fieldColumn, numberOf, textOf } from './columns.ts';
import { formatSize } from './size.ts';

const right = { align: 'right', mayShrink: false } as const;

export const SPLIT_FIELDS = ['owner', 'flows', 'packets', 'bytes', 'file', 'sha256'];
export const SPLIT_DEFAULT_COLUMNS = ['owner', 'flows', 'packets', 'bytes', 'file'];

/** @param by what the owners are */
export function splitColumns(by: string): readonly Column[] {
  return [
    {
      name: 'owner',
      title: by.toUpperCase(),
      align: 'left',
      mayShrink: true,
      cell: (row) => textOf(row, 'owner') ?? '(unknown)',
    },
    { name: 'flows', title: 'FLOWS', ...right, cell: (row) => String(numberOf(row, 'flows')) },
    { name: 'packets', title: 'PACKETS', ...right, cell: (row) => String(numberOf(row, 'packets')) },
    { name: 'bytes', title: 'BYTES', ...right, cell: (row) => formatSize(numberOf(row, 'bytes')) },
    ...['file', 'sha256'].map(fieldColumn),
  ];
}
