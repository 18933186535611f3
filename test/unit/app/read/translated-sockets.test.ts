import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { History } from '../../../../src/app/read/history.ts';
import { FlowStore } from '../../../../src/store/flow-store.ts';
import { OPTIONS, withFolder } from '../../../support/database.ts';
import { recordsOf } from '../../../support/file-records.ts';
import { ethernet, ipv4, pcapFile, udp } from '../../../support/packets.ts';
import { INFO, NOON, processRow, SECOND, type TickLiteral, tick } from '../../../support/ticks.ts';

const SERVER = '192.0.2.1';
const GATE = '198.51.100.1';
const PEOPLE = [21, 22, 23].map((pid, i) => processRow(i + 1, { pid }));

/** Who sent the datagrams that passed the uplink from port 2000 to port 53 of the server at these seconds, flow by flow. */
async function sendersOf(
  seconds: readonly number[],
  stored: Pick<TickLiteral, 'sockets' | 'holders' | 'translations'>,
  [from, to] = [`${GATE}:2000`, `${SERVER}:53`],
): Promise<readonly (readonly unknown[])[]> {
  return withFolder(async (folder) => {
    const database = join(folder, 'owners.db');
    const store = FlowStore.open(database, OPTIONS);
    store.beginCapture(INFO);
    const [processes, programs] = [PEOPLE.map(({ row }) => row), PEOPLE.map(({ program }) => program)];
    store.write(tick({ ...stored, processes, programs }));
    store.endCapture(NOON + 3600 * SECOND);
    store.close();
    const file = join(folder, 'uplink.pcap');
    const [src, srcPort] = from!.split(':') as [string, string];
    const [dst, dstPort] = to!.split(':') as [string, string];
    const bytes = ethernet(ipv4({ src, dst }, udp({ src: Number(srcPort), dst: Number(dstPort) })));
    writeFileSync(file, pcapFile(seconds.map((second) => ({ sec: NOON / SECOND + second, bytes }))));
    const records = await recordsOf(file, { history: new History(database, 0) });
    return records.map((flow) => [flow.orig_packets, flow.src_pid, flow.dst_pid, flow.src_match ?? flow.dst_match]);
  });
}

const socket = (id: number, inner: string, fromS: number, toS: number) => ({
  ...{ id, tuple: `udp ${inner} > ${SERVER}:53`, process: id },
  ...{ fromUs: NOON + fromS * SECOND, toUs: NOON + toS * SECOND },
});
const translation = (id: number, inner: string, fromS: number, toS: number) => ({
  ...{ id, original: `udp ${inner} > ${SERVER}:53`, translated: `udp ${GATE}:2000 > ${SERVER}:53` },
  ...{ fromUs: NOON + fromS * SECOND, toUs: NOON + toS * SECOND },
});

test('a translated tuple is that of the socket behind it', async () => {
  const stored = {
    sockets: [socket(1, '10.0.0.2:1000', 0, 60)],
    translations: [translation(1, '10.0.0.2:1000', 0, 60)],
  };
  assert.deepEqual(await sendersOf([5, 6], stored), [[2, 21, null, 'conntrack']]);
});

test('a server is reached at the tuple before its address is translated', async () => {
  const tuple = `udp ${SERVER}:5353 > 203.0.113.9:999`;
  const server = { id: 1, tuple, process: 1, fromUs: NOON, toUs: NOON + 60 * SECOND };
  const given = {
    id: 1,
    original: `udp 203.0.113.9:999 > ${GATE}:53`,
    translated: `udp 203.0.113.9:999 > ${SERVER}:5353`,
  };
  const stored = { sockets: [server], translations: [{ ...given, fromUs: NOON, toUs: NOON + 60 * SECOND }] };
  assert.deepEqual(await sendersOf([5], stored, ['203.0.113.9:999', `${GATE}:53`]), [[1, null, 21, 'conntrack']]);
});

test('two that had the same translated tuple one after the other are told apart by time', async () => {
  const inner = ['10.0.0.2:1000', '10.0.0.3:1000'] as const;
  const sockets = inner.map((one, i) => socket(i + 1, one, 0, 100));
  const translations = [translation(1, inner[0], 0, 40), translation(2, inner[1], 40, 100)];
  assert.deepEqual(await sendersOf([1, 5, 45, 50], { sockets, translations }), [
    [2, 21, null, 'conntrack'],
    [2, 22, null, 'conntrack'],
  ]);
});

test('a socket that is passed on while another one has the translated tuple takes nothing of its flow', async () => {
  const inner = ['10.0.0.2:1000', '10.0.0.3:1000'] as const;
  const sockets = inner.map((one, i) => socket(i + 1, one, 0, 100));
  const translations = [translation(1, inner[0], 0, 40), translation(2, inner[1], 40, 100)];
  const acts = [
    [1, 1, 0],
    [1, 3, 60], // passed on after its translation,
    [2, 2, 0],
    [2, 3, 20], // before it
  ] as const;
  const holders = acts.map(([id, process, fromS]) => ({
    ...{ socket: id, process, role: 'actor' as const },
    fromUs: NOON + fromS * SECOND,
  }));
  assert.deepEqual(await sendersOf([1, 30, 45, 70], { sockets, holders, translations }), [
    [2, 21, null, 'conntrack'],
    [2, 23, null, 'conntrack'],
  ]);
});

test("after the end of a translation its tuple is nobody's, though the socket lives on", async () => {
  const stored = {
    sockets: [socket(1, '10.0.0.2:1000', 0, 100)],
    translations: [translation(1, '10.0.0.2:1000', 0, 30)],
  };
  assert.deepEqual(await sendersOf([1, 35], stored), [
    [1, 21, null, 'conntrack'],
    [1, null, null, null],
  ]);
});

test('the same tuple in two namespaces behind one translation names nobody', async () => {
  const sockets = [1, 2].map((id) => socket(id, '10.0.0.2:1000', 0, 60));
  const stored = { sockets, translations: [translation(1, '10.0.0.2:1000', 0, 60)] };
  assert.deepEqual(
    (await sendersOf([5], stored)).map(([packets, pid]) => [packets, pid]),
    [[1, null]],
  );
});
