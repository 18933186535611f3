import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketHistoryColumns } from '../../../src/core/tick.ts';
import { rowsOf, withDatabase } from '../../support/database.ts';
import { tick } from '../../support/ticks.ts';

const TOTALS = 'SELECT sent_bytes, acked_bytes, received_bytes FROM socket';

function socketOf(totals: readonly [sent: number, acked: number, received: number] | null): SocketHistoryColumns {
  const { sockets } = tick({ sockets: [{ id: 1, tuple: 'tcp 10.0.0.1:40000 > 8.8.8.8:443' }] });
  if (totals === null) return sockets;
  sockets.hasTotals[0] = 1;
  [sockets.sentBytes[0], sockets.ackedBytes[0], sockets.receivedBytes[0]] = totals;
  return sockets;
}

test('what a connection carried is stored when it is told, with the row that is there already', () => {
  const later = { ...tick(), sockets: socketOf([2 ** 40, 7, 0]) };
  withDatabase([{ ...tick(), sockets: socketOf(null) }, later], (path) =>
    assert.deepEqual(rowsOf(path, TOTALS), [{ sent_bytes: 2 ** 40, acked_bytes: 7, received_bytes: 0 }]),
  );
});

test('what a connection carried is NULL where the kernel did not tell, not 0', () => {
  withDatabase([{ ...tick(), sockets: socketOf(null) }], (path) =>
    assert.deepEqual(rowsOf(path, TOTALS), [{ sent_bytes: null, acked_bytes: null, received_bytes: null }]),
  );
});
