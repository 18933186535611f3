/** An interface record for people. */
import { type Column, fieldColumn, numberOf, type Row, textOf } from './columns.ts';
import { formatSize } from './size.ts';

const left = { align: 'left', mayShrink: false } as const;
const right = { align: 'right', mayShrink: false } as const;

export const INTERFACE_DEFAULT_COLUMNS = ['name', 'state', 'kind', 'mtu', 'rx', 'tx', 'addresses'];

/** @param fields of the record, in order */
export function interfaceColumns(fields: readonly string[]): readonly Column[] {
  const size = (field: string) => (row: Row) => (row[field] === null ? '' : formatSize(numberOf(row, field)));
  const own: Column[] = [
    { name: 'name', title: 'NAME', ...left, cell: (row) => textOf(row, 'name') ?? '' },
    { name: 'mtu', title: 'MTU', ...right, cell: (row) => textOf(row, 'mtu') ?? '' },
    { name: 'rx', title: 'RX', ...right, cell: size('rx_bytes') },
    { name: 'tx', title: 'TX', ...right, cell: size('tx_bytes') },
    {
      name: 'addresses',
      title: 'ADDRESSES',
      align: 'left',
      mayShrink: true,
      cell: (row) => textOf(row, 'addresses') ?? '',
    },
  ];
  const names = own.map(({ name }) => name);
  return [...own, ...fields.filter((field) => !names.includes(field)).map(fieldColumn)];
}
