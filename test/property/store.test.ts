/** Whatever is written, fails half way, comes twice, is deleted or cut off by a crash: the sums hold. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Tick } from '../../src/core/tick.ts';
import { FlowStore, StoreBusy } from '../../src/store/flow-store.ts';
import type { Keep } from '../../src/store/retention.ts';
import { OPTIONS, rowsOf, withFolder } from '../support/database.ts';
import { brokenRules } from '../support/rollups.ts';
import { type EndLiteral, type FlowLiteral, INFO, NOON, processRow, SECOND, tick } from '../support/ticks.ts';

const PEOPLE = [1, 2, 3].map((id) => processRow(id, { pid: id, exe: `/bin/${id}` }));
const MINUTE = 60 * SECOND;
const FOREVER: Keep = { flows: null, sockets: null, minute: null, hour: null, day: null, maxBytes: null };

const news = fc.record({ serial: fc.integer({ min: 1, max: 12 }), packets: fc.nat(9), isEnded: fc.boolean() });
const owner = fc.record({
  serial: fc.integer({ min: 1, max: 12 }),
  side: fc.constantFrom('src' as const, 'dst' as const),
  process: fc.nat(3), // 0: nobody
});
/** Where a write breaks off: at the n-th look at these columns, or not at all. */
const fault = fc.option(
  fc.record({ column: fc.constantFrom('flows', 'ends', 'names', 'interfaces'), look: fc.nat(9) }),
);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('tick' as const),
      seconds: fc.constantFrom(0, 1, 20, 61, 200, 4000),
      flows: fc.array(news, { maxLength: 8 }),
      ends: fc.array(owner, { maxLength: 8 }),
      fault,
      isTwice: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('prune' as const),
      minutes: fc.nat(90),
      pieces: fc.nat(4),
      isFull: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
);

function full(): Error {
  return Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
}

/** The same tick, which breaks off at the n-th look at some of it. */
function breaking(one: Tick, { column, look }: { readonly column: string; readonly look: number }): Tick {
  const value = (one as unknown as Record<string, object>)[column]!;
  let looks = 0;
  const checked = new Proxy(value, {
    get(target, name) {
      if (looks++ === look) throw full();
      return Reflect.get(target, name, target);
    },
  });
  return { ...one, [column]: checked };
}

/** A recorder of twelve flows at a time, which knows what it told. */
class Told {
  #nowUs = NOON;
  #living = new Map<number, { serial: number; firstUs: number; packets: number }>(); // by serial of the generator
  #serials = 0;
  packets = 0; // of all captures
  flows = 0;

  begin(): void {
    this.#living = new Map();
    this.#serials = 0;
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  tick(
    seconds: number,
    counted: readonly { serial: number; packets: number; isEnded: boolean }[],
    owners: readonly { serial: number; side: 'src' | 'dst'; process: number }[],
  ): Tick {
    this.#nowUs += seconds * SECOND;
    const before = new Map(this.#living);
    const flows = counted.map((one) => this.#flow(one));
    const ends = owners.flatMap(({ serial, side, process }): EndLiteral[] => {
      const flow = this.#living.get(serial) ?? before.get(serial);
      if (flow === undefined) return [];
      const named = process === 0 ? { reason: 'no-socket' as const } : { process, program: process };
      return [{ serial: flow.serial, side, ...named }];
    });
    const processes = PEOPLE.map(({ row }) => ({ ...row, lastUs: this.#nowUs }));
    return tick({ flows, ends, processes, programs: PEOPLE.map(({ program }) => program), atUs: this.#nowUs });
  }

  #flow({ serial, packets, isEnded }: { serial: number; packets: number; isEnded: boolean }): FlowLiteral {
    const known = this.#living.get(serial);
    const flow = known ?? { serial: ++this.#serials, firstUs: this.#nowUs, packets: 0 };
    flow.packets += packets;
    this.packets += packets;
    if (known === undefined) this.flows++;
    if (isEnded) this.#living.delete(serial);
    else this.#living.set(serial, flow);
    return {
      serial: flow.serial,
      tuple: `udp 10.0.0.${serial}:1000 > 10.1.${flow.serial >> 8}.${flow.serial & 255}:53`,
      ...{ firstUs: flow.firstUs, lastUs: this.#nowUs, isNew: known === undefined },
      orig: [flow.packets, 100 * flow.packets, 90 * flow.packets],
      ...(isEnded ? { end: 'idle' as const } : {}),
    };
  }
}

function begin(path: string): FlowStore {
  const store = FlowStore.open(path, OPTIONS);
  store.beginCapture(INFO);
  return store;
}

function prune(store: FlowStore, nowUs: number, minutes: number, pieces: number, isFull: boolean): void {
  const age = minutes * MINUTE;
  const keep = { ...FOREVER, flows: age, sockets: age, minute: age };
  let looks = 0;
  const look = (): number => {
    if (isFull && looks > pieces) throw full();
    return looks++;
  };
  try {
    store.prune(keep, nowUs, look, pieces + 2);
  } catch (error) {
    assert.ok(isFull && error instanceof StoreBusy, String(error));
  }
}

test('flows and counters add up to what was told, after rollbacks, repetitions, deletions and crashes', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 30 }), (steps) => {
      withFolder((folder) => {
        const path = join(folder, 'any.db');
        const told = new Told();
        let store = begin(path);
        for (const one of steps) {
          if (one.kind === 'tick') {
            const next = told.tick(one.seconds, one.flows, one.ends);
            if (one.fault !== null) {
              const broken = breaking(next, one.fault);
              try {
                store.write(broken);
              } catch (error) {
                assert.ok(error instanceof StoreBusy, String((error as Error).stack));
              }
            }
            store.write(next);
            if (one.isTwice) store.write(next);
          } else if (one.kind === 'prune') prune(store, told.nowUs, one.minutes, one.pieces, one.isFull);
          else {
            store.close();
            store = begin(path);
            told.begin();
          }
        }
        store.endCapture(told.nowUs);
        store.close();
        assert.deepEqual(brokenRules(path), []);
        const sums = `SELECT sum(flows) AS flows, sum(packets) AS packets FROM (
          SELECT count(*) AS flows, coalesce(sum(orig_packets), 0) AS packets FROM flow
          UNION ALL SELECT flows, packets FROM kept WHERE what = 'flows')`;
        assert.deepEqual(rowsOf(path, sums), [{ flows: told.flows, packets: told.packets }]);
        assert.deepEqual(rowsOf(path, 'PRAGMA foreign_key_check'), []);
        assert.deepEqual(rowsOf(path, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
      });
    }),
    { numRuns: Number(process.env.RUNS ?? 40) },
  );
});
