import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NameLog } from '../../../../src/app/record/name-log.ts';
import { parseAddress } from '../../../../src/core/address.ts';
import { FlowSide } from '../../../../src/core/attribution.ts';
import { createColumns, pushRow } from '../../../../src/core/columns.ts';
import {
  FOUND_NAME_COLUMNS,
  type FoundNames,
  NAME_SOURCES,
  type NameRows,
  type NameSource,
} from '../../../../src/core/name.ts';
import { tick } from '../../../support/ticks.ts';

interface FoundLiteral {
  readonly text: string;
  readonly atS?: number;
  readonly serial?: number;
  readonly source?: NameSource;
  readonly address?: string;
}

function found(...names: readonly FoundLiteral[]): FoundNames {
  const rows = createColumns(FOUND_NAME_COLUMNS);
  for (const { atS = 0, serial = 0, source = 'dns', address = '192.0.2.1' } of names) {
    const i = pushRow(rows);
    rows.serial[i] = serial;
    rows.side[i] = source === 'dns' ? FlowSide.Src : FlowSide.Dst;
    rows.source[i] = NAME_SOURCES.indexOf(source);
    rows.address.set(parseAddress(address)!, i * 4);
    rows.timeUs[i] = atS * 1e6;
  }
  return { rows, texts: names.map(({ text }) => text) };
}

/** `3 a.example 192... 1-5 p7`: id, name, seconds, process. */
const told = ({ rows, texts }: NameRows): string[] =>
  texts.map((text, i) => `${rows.id[i]} ${text} ${rows.fromUs[i]! / 1e6}-${rows.toUs[i]! / 1e6} p${rows.process[i]}`);

const question = (serial: number) => tick({ flows: [{ serial, tuple: 'udp 10.0.0.1:4000 > 10.0.0.53:53' }] }).flows;

describe('NameLog', () => {
  test('a row goes on while an address is called the same, and ends when it is called otherwise', () => {
    const log = new NameLog();
    log.add(found({ text: 'a', atS: 1 }, { text: 'a', atS: 2 }));
    assert.deepEqual(told(log.take()), ['1 a 1-2 p0']);
    log.add(found({ text: 'a', atS: 3 }, { text: 'b', atS: 4 }, { text: 'a', atS: 5 }));
    assert.deepEqual(told(log.take()), ['1 a 1-3 p0', '2 b 4-4 p0', '3 a 5-5 p0']);
    log.add(found({ text: 'b', atS: 6, address: '192.0.2.2' }));
    assert.deepEqual(told(log.take()), ['4 b 6-6 p0'], 'of another address');
    assert.deepEqual(told(log.take()), [], 'nothing was said since');
  });

  test('an answer has the process at the end that heard it, whichever of both is known first', () => {
    const log = new NameLog();
    log.watch(question(5));
    log.answer(5, FlowSide.Dst, 99);
    log.add(found({ text: 'a', serial: 5 }));
    assert.deepEqual(told(log.take()), [], 'it waits');
    log.answer(5, FlowSide.Src, 7);
    assert.deepEqual(told(log.take()), ['1 a 0-0 p7']);
    log.add(found({ text: 'a', serial: 5, atS: 1 }));
    assert.deepEqual(told(log.take()), ['1 a 0-1 p7']);
  });

  test('an answer waits some seconds for its process, and not at all at the end', () => {
    const log = new NameLog();
    log.watch(question(5));
    log.add(found({ text: 'a', serial: 5 }));
    const takes = Array.from({ length: 6 }, () => told(log.take()).length);
    assert.deepEqual(takes, [0, 0, 0, 1, 0, 0]);
    log.add(found({ text: 'b', serial: 5 }));
    assert.equal(told(log.take(true)).length, 1);
  });

  test('who heard the same answer has a row of its own', () => {
    const log = new NameLog();
    for (const serial of [5, 6]) {
      log.watch(question(serial));
      log.answer(serial, FlowSide.Src, serial * 10);
      log.add(found({ text: 'a', serial, atS: serial }));
    }
    assert.deepEqual(told(log.take()), ['1 a 5-5 p50', '2 a 6-6 p60']);
  });

  test('a flow that names itself points at the row of its name', () => {
    const log = new NameLog();
    log.add(found({ text: 'web', serial: 8, source: 'sni' }, { text: 'web', serial: 9, source: 'sni', atS: 1 }));
    const rows = log.take();
    assert.deepEqual(told(rows), ['1 web 0-1 p0']);
    assert.deepEqual([...rows.flows.serial.slice(0, rows.flows.count)], [8, 9]);
    assert.deepEqual([rows.flows.side[0], rows.flows.name[0], rows.flows.name[1]], [FlowSide.Dst, 1, 1]);
    log.add(found({ text: 'lost', source: 'sni' }));
    assert.equal(log.take().flows.count, 0, 'of no flow');
  });

  test('a flood of names costs rows, and no memory without end', () => {
    const log = new NameLog();
    let rows = 0;
    for (let n = 0; n < 20_000; n += 4000) {
      log.watch(question(n + 1));
      log.add(
        found(
          ...Array.from({ length: 4000 }, (_, i) => ({
            text: `n${n + i}`,
            serial: n + 1,
            address: `10.1.${i >> 8}.${i & 255}`,
          })),
        ),
      );
      rows += log.take().texts.length;
    }
    assert.ok(rows >= 3616, `${rows} were told: more than 16,384 do not wait`);
  });
});
