import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { FlowStore } from '../../../src/store/flow-store.ts';
import { OPTIONS, rowsOf, withDatabase, withFolder } from '../../support/database.ts';
import { INFO, NOON, SECOND, tick } from '../../support/ticks.ts';

const ORIGINAL = 'udp 10.0.0.2:1000 > 192.0.2.1:53';
const TRANSLATED = 'udp 198.51.100.1:2000 > 192.0.2.1:53';
const DAY = 86_400 * SECOND;
const times = (path: string) => rowsOf(path, 'SELECT from_us, to_us FROM translation ORDER BY id').map(Object.values);

test('a translation is a row with both tuples, which its end moves', () => {
  const one = { id: 1, original: ORIGINAL, translated: TRANSLATED };
  withDatabase([tick({ translations: [one] }), tick({ translations: [{ ...one, toUs: NOON + 5 }] })], (path) => {
    const sql = `SELECT s.text AS src, src_port, d.text AS dst, dst_port, n.text AS nat_src, nat_src_port, m.text AS nat_dst,
      nat_dst_port, from_us, to_us FROM translation t JOIN address s ON s.id = src_address JOIN address d ON d.id = dst_address
      JOIN address n ON n.id = nat_src_address JOIN address m ON m.id = nat_dst_address`;
    const expected = ['10.0.0.2', 1000, '192.0.2.1', 53, '198.51.100.1', 2000, '192.0.2.1', 53, NOON, NOON + 5];
    assert.deepEqual(rowsOf(path, sql).map(Object.values), [expected]);
  });
});

test('what is in force at the end of a recording was so until then, also when the recorder was killed', () => {
  const translations = [{ id: 1, original: ORIGINAL, translated: TRANSLATED }];
  withDatabase([tick({ translations })], (path) => assert.deepEqual(times(path), [[NOON, NOON + SECOND]]));
  withFolder((folder) => {
    const path = join(folder, 'killed.db');
    const killed = FlowStore.open(path, OPTIONS);
    killed.beginCapture(INFO);
    killed.write(tick({ translations, atUs: NOON + 3 * SECOND }));
    killed.close();
    assert.deepEqual(times(path), [[NOON, null]]);
    FlowStore.open(path, OPTIONS).close();
    assert.deepEqual(times(path), [[NOON, NOON + 3 * SECOND]]);
  });
});

test('translations go with the sockets of their time', () => {
  const sockets = [0, 5].map((day) => ({ id: day + 1, tuple: ORIGINAL, fromUs: NOON + day * DAY }));
  const translations = [0, 5].map((day) => ({
    ...{ id: day + 1, original: ORIGINAL, translated: TRANSLATED },
    ...{ fromUs: NOON + day * DAY, toUs: NOON + day * DAY },
  }));
  withFolder((folder) => {
    const path = join(folder, 'old.db');
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(INFO);
    store.write(tick({ sockets, translations }));
    const keep = { flows: null, sockets: 3 * DAY, minute: null, hour: null, day: null, maxBytes: null };
    for (let ms = 0; store.prune(keep, NOON + 6 * DAY, () => ms++, 3); );
    assert.deepEqual(times(path), [[NOON + 5 * DAY, NOON + 5 * DAY]]);
    store.close();
  });
});
