import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { FlowStore } from '../../../src/store/flow-store.ts';
import type { Keep } from '../../../src/store/retention.ts';
import { OPTIONS, rowsOf, withFolder } from '../../support/database.ts';
import { INFO, NOON, processRow, SECOND, tick } from '../../support/ticks.ts';

const DAY = 86_400 * SECOND;
const KEEP: Keep = { flows: 4 * DAY, sockets: 4 * DAY, minute: 4 * DAY, hour: 4 * DAY, day: 4 * DAY, maxBytes: null };
const NOW = NOON + 11 * DAY;
const [OLD, HEARD] = [processRow(1, { pid: 100 }), processRow(2, { pid: 200 })];

/** Eleven days ago a flow that ended, one that goes on and a thousand names; yesterday a flow that ended. */
function record(store: FlowStore): void {
  store.beginCapture(INFO);
  const names = Array.from({ length: 1200 }, (_, i) => ({
    ...{ id: 10 + i, text: `n${i}.example`, address: `11.0.${i >> 8}.${i & 255}`, source: 'dns' as const },
    ...{ process: 1, fromUs: NOON },
  }));
  store.write(
    tick({
      programs: [OLD.program, HEARD.program],
      processes: [OLD.row, HEARD.row],
      flows: [
        { serial: 1, tuple: 'tcp 10.0.0.1:1 > 11.0.0.1:443', end: 'idle' },
        { serial: 2, tuple: 'tcp 10.0.0.1:2 > 192.0.2.7:443' },
      ],
      names: [
        ...names,
        { id: 1, text: 'sni.example', address: '192.0.2.7', source: 'sni', flow: 2, fromUs: NOON },
        { id: 2, text: 'answer.example', address: '192.0.2.7', source: 'dns', process: 2, fromUs: NOON },
        { id: 3, text: 'n7.example', address: '192.0.2.8', source: 'dns', process: 1, fromUs: NOON },
      ],
    }),
  );
  const firstUs = NOW - DAY;
  store.write(
    tick({
      flows: [{ serial: 3, tuple: 'tcp 10.0.0.1:3 > 192.0.2.8:443', firstUs, end: 'idle' }],
      ends: [{ serial: 3, side: 'src', process: 1, program: 1 }],
      names: [{ id: 3, text: 'n7.example', address: '192.0.2.8', source: 'dns', process: 1, fromUs: NOON, toUs: NOW }],
      atUs: NOW,
    }),
  );
}

function prune(store: FlowStore, budgetMs: number, meanwhile = () => {}): void {
  let ms = 0;
  while (store.prune(KEEP, NOW, () => ms++, budgetMs)) meanwhile();
}

function withPruned(work: (path: string, store: FlowStore) => void, meanwhile?: (store: FlowStore) => void): void {
  withFolder((folder) => {
    const path = join(folder, 'names.db');
    const store = FlowStore.open(path, OPTIONS);
    record(store);
    prune(store, 2, () => meanwhile?.(store));
    work(path, store);
    store.close();
  });
}

const DANGLING = `SELECT count(*) AS rows FROM name n LEFT JOIN address a ON a.id = n.address
  LEFT JOIN host_name h ON h.id = n.host_name LEFT JOIN process p ON p.id = n.process
  WHERE a.id IS NULL OR h.id IS NULL OR (n.process IS NOT NULL AND p.id IS NULL)`;

test('prune() deletes names that only deleted flows were called, their texts and their addresses', () => {
  withPruned((path) => {
    const names = 'SELECT h.text FROM name n JOIN host_name h ON h.id = n.host_name ORDER BY 1';
    assert.deepEqual(
      rowsOf(path, names).map(({ text }) => text),
      ['answer.example', 'n7.example', 'sni.example'],
    );
    assert.deepEqual(rowsOf(path, 'SELECT count(*) AS texts FROM host_name'), [{ texts: 3 }]);
    assert.deepEqual(
      rowsOf(path, 'SELECT text FROM address ORDER BY 1').map(({ text }) => text),
      ['10.0.0.1', '192.0.2.7', '192.0.2.8'],
    );
    assert.deepEqual(rowsOf(path, DANGLING), [{ rows: 0 }]);
  });
});

test('prune() keeps what a flow that goes on is called, and the processes that were told a kept name', () => {
  withPruned((path) => {
    const flow = 'SELECT dst_name, dst_name_source FROM flow_record WHERE flow_id = 2';
    assert.deepEqual(rowsOf(path, flow), [{ dst_name: 'sni.example', dst_name_source: 'sni' }]);
    assert.deepEqual(
      rowsOf(path, 'SELECT pid FROM process ORDER BY pid').map(({ pid }) => pid),
      [100, 200],
    );
  });
});

test('an address that is named again at any moment of prune() stays', () => {
  let pieces = 1;
  for (let at = 1; at <= pieces; at++) {
    pieces = 0;
    const again = (store: FlowStore): void => {
      if (++pieces !== at) return;
      const told = { id: 3000, text: 'again.example', source: 'dns', fromUs: NOW } as const;
      store.write(tick({ names: [{ ...told, address: '11.0.0.9' }], atUs: NOW }));
    };
    withPruned((path) => {
      const dangling = rowsOf(path, DANGLING)[0]!.rows;
      const told = rowsOf(path, "SELECT count(*) AS rows FROM address WHERE text = '11.0.0.9'")[0]!.rows;
      assert.deepEqual([dangling, told], [0, 1], `piece ${at} of ${pieces}`);
    }, again);
  }
  assert.ok(pieces > 5, `${pieces}`);
});
