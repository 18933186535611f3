/** What a recorder stores while somebody sets the clock of its host, joined with a capture of that time. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { History } from '../../../../src/app/read/history.ts';
import { ClockLog } from '../../../../src/app/record/clock-log.ts';
import { TickBuilder } from '../../../../src/app/record/tick-builder.ts';
import { HOUR_US, SECOND_US } from '../../../../src/core/time.ts';
import { FlowStore } from '../../../../src/store/flow-store.ts';
import { HOST, PEER, setUp } from '../../../support/attributor.ts';
import { OPTIONS, rowsOf, withFolder } from '../../../support/database.ts';
import { makeClosed, makeOwners, makeProcess, makeSockets } from '../../../support/facts.ts';
import { recordsOf } from '../../../support/file-records.ts';
import { ethernet, ipv4, pcapFile, TcpFlag, tcp } from '../../../support/packets.ts';
import { INFO, NOON, tick } from '../../../support/ticks.ts';

/** Seconds since boot. The clock is set in between, at STEP_S. */
const [BEGIN_S, STEP_S, END_S] = [900, 1000, 1100];

interface Life {
  readonly port: number;
  readonly fromS: number;
  readonly toS: number;
  readonly owners: readonly (readonly [pid: number, sinceS: number])[];
}

const ACROSS: Life = { port: 3000, fromS: 905, toS: 1095, owners: [[23, 905]] };
const PASSED_ON: Life = {
  ...{ port: 4000, fromS: 905, toS: 1095 },
  owners: [
    [24, 905],
    [25, 1050],
  ],
};
const BEFORE: Life = { port: 2000, fromS: 910, toS: 950, owners: [[21, 910]] };
const AFTER: Life = { port: 2000, fromS: 1050, toS: 1090, owners: [[22, 1050]] };

/** Time of day at a second since boot, when the clock was set by so much. */
const wallUs = (second: number, leapUs: number): number => NOON + second * SECOND_US + (second >= STEP_S ? leapUs : 0);

/** Records those lives as the recorder does, a report a second, facts of sockets that BPF programs told of. */
function record(path: string, lives: readonly Life[], leapUs: number): void {
  const { attributor, observe } = setUp();
  const builder = new TickBuilder(attributor, { userName: () => null });
  const log = new ClockLog();
  const store = FlowStore.open(path, OPTIONS);
  store.beginCapture(INFO);
  for (let second = BEGIN_S; second <= END_S; second++) {
    const bootUs = second * SECOND_US;
    const offsetUs = wallUs(second, leapUs) - bootUs;
    builder.clock.note(bootUs, offsetUs);
    lives.forEach((life, i) => {
      const cookie = i + 1;
      const isThere = second >= life.fromS && second <= life.toS;
      if (!isThere) return;
      const sockets = makeSockets({ local: [HOST, life.port], remote: [PEER, 443], inode: 0, cookie, seenUs: bootUs });
      const begun = life.owners.filter(([, sinceS]) => sinceS === second);
      const owners = begun.map(([pid]) => ({ cookie, pid, evidence: 'Transfer' as const, fromUs: bootUs }));
      observe({
        ...{ atUs: bootUs, sockets, processes: begun.map(([pid]) => makeProcess(pid)), owners: makeOwners(...owners) },
        ...(second === life.toS && { closed: makeClosed([cookie, bootUs]) }),
      });
    });
    builder.addSockets(bootUs);
    store.write(tick({ clock: log.note(bootUs, offsetUs), atUs: bootUs + offsetUs }));
    store.write({ ...tick({ atUs: bootUs + offsetUs }), ...builder.take() });
  }
  store.endCapture(wallUs(END_S, leapUs));
  store.close();
}

/** Who sent packets at these seconds since boot from that port: pid, or why nobody; flow by flow. */
async function sendersOf(
  database: string,
  leapUs: number,
  port: number,
  seconds: readonly number[],
  flags: number = TcpFlag.Ack,
): Promise<readonly unknown[]> {
  const file = `${database}.pcap`;
  const bytesAt = (seq: number) =>
    ethernet(ipv4({ src: HOST, dst: PEER }, tcp({ src: port, dst: 443, flags, seq, payload: 1 })));
  const records = seconds.map((second) => ({ sec: wallUs(second, leapUs) / SECOND_US, bytes: bytesAt(second) }));
  writeFileSync(file, pcapFile(records));
  const flows = await recordsOf(file, { history: new History(database, 0) });
  return flows.map((flow) => flow.src_pid ?? flow.src_reason);
}

for (const [name, leapUs] of [
  ['an hour ahead', HOUR_US],
  ['an hour back', -HOUR_US],
  ['by a second', SECOND_US],
] as const)
  test(`packets before and after the clock was set ${name} are those of the sockets of their time`, async () => {
    await withFolder(async (folder) => {
      const database = join(folder, 'owners.db');
      record(database, [BEFORE, AFTER, ACROSS, PASSED_ON], leapUs);
      const clock = rowsOf(database, 'SELECT boot_us, offset_us FROM clock ORDER BY boot_us');
      assert.deepEqual(clock, [
        { boot_us: BEGIN_S * SECOND_US, offset_us: NOON },
        { boot_us: STEP_S * SECOND_US, offset_us: NOON + leapUs },
      ]);
      const of = (port: number, ...seconds: readonly number[]) => sendersOf(database, leapUs, port, seconds);
      assert.deepEqual(await of(2000, 920, 930), [21], 'a capture that ended before');
      assert.deepEqual(await of(2000, 1060, 1070), [22], 'one that began after it');
      assert.deepEqual(await of(3000, 920, 930), [23]);
      assert.deepEqual(await of(3000, 1060, 1070), [23], 'the connection lived through it');
      assert.deepEqual(await of(4000, 920, 930), [24]);
      assert.deepEqual(await of(4000, 1010, 1020), [24], 'it had the socket before, and had not passed it on');
      assert.deepEqual(await of(4000, 1060, 1070), [25], 'passed on afterwards');
    });
  });

test('a capture that runs while the clock is set an hour ahead names each flow after the sockets of its time', async () => {
  await withFolder(async (folder) => {
    const database = join(folder, 'owners.db');
    record(database, [BEFORE, AFTER, ACROSS], HOUR_US);
    assert.deepEqual(await sendersOf(database, HOUR_US, 2000, [920, 930, 1060, 1070]), [21, 22]);
    const across = await sendersOf(database, HOUR_US, 3000, [920, 930, 1060, 1070]);
    assert.deepEqual([...new Set(across)], [23]);
  });
});

test('of a tuple that two processes had at one time of day, since the clock was set back, nobody is named', async () => {
  await withFolder(async (folder) => {
    const database = join(folder, 'owners.db');
    const leapUs = -100 * SECOND_US;
    record(database, [BEFORE, { ...AFTER, fromS: 1030, toS: 1070 }, ACROSS], leapUs);
    assert.deepEqual(await sendersOf(database, leapUs, 2000, [940, 942]), ['ambiguous'], 'or second 1040 and 1042');
    assert.deepEqual(await sendersOf(database, leapUs, 3000, [940, 942]), [23], 'who had it both times');
  });
});

test('a host that slept has one clock: its history goes on as if the time had passed', async () => {
  await withFolder(async (folder) => {
    const database = join(folder, 'owners.db');
    record(database, [BEFORE, AFTER, ACROSS], 0); // boottime runs on in suspend, so nothing lies between the clocks
    assert.equal(rowsOf(database, 'SELECT * FROM clock').length, 1);
    assert.deepEqual(await sendersOf(database, 0, 2000, [920, 1060], TcpFlag.Syn), [21, 22]);
    assert.deepEqual(await sendersOf(database, 0, 2000, [920, 1060]), ['ambiguous'], 'no SYN says where one ends');
  });
});
