import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseFacts } from '../../../../src/app/read/fact-file.ts';
import { History } from '../../../../src/app/read/history.ts';
import { storeFiles } from '../../../../src/app/read/store-file.ts';
import { UserError } from '../../../../src/core/errors.ts';
import type { FlowRecord } from '../../../../src/core/record.ts';
import { SECOND_US } from '../../../../src/core/time.ts';
import { InterfaceNumbers } from '../../../../src/pcap/interface-numbers.ts';
import { FlowStore } from '../../../../src/store/flow-store.ts';
import { OPTIONS, withFolder } from '../../../support/database.ts';
import { recordsOf } from '../../../support/file-records.ts';
import { ethernet, ipv4, pcapFile, udp } from '../../../support/packets.ts';
import { INFO, NOON, processRow, tick } from '../../../support/ticks.ts';

const CAPTURE = 'captures/demo.pcap';
const FACTS = 'captures/demo.facts.ndjson';
const folder = mkdtempSync(join(tmpdir(), 'pcapid-history-'));
const database = join(folder, 'demo.db');
after(() => rmSync(folder, { recursive: true }));

const facts = parseFacts(readFileSync(FACTS, 'utf8'), FACTS);
const stop = new AbortController().signal;

async function store(path: string, given: typeof facts): Promise<void> {
  const words = { command: 'read', version: '1', follow: false, stop, decap: false, userName: () => null };
  await storeFiles(
    { ...words, interfaces: new InterfaceNumbers(), inputs: [{ path: CAPTURE }], database: path, facts: given },
    () => {},
  );
}

before(() => store(database, facts));

const records = (history?: History): Promise<readonly FlowRecord[]> =>
  recordsOf(CAPTURE, history === undefined ? { facts } : { history });

const exact = (all: readonly FlowRecord[], side: 'src' | 'dst') =>
  new Map(
    all
      .filter((flow) => flow[`${side}_confidence`] === 'exact')
      .map((flow) => [flow.flow_id, [flow[`${side}_pid`], flow[`${side}_comm`], flow[`${side}_cmdline`]]]),
  );

test('what was stored with facts names the same packets again', async () => {
  const expected = await records();
  const again = await records(new History(database, 0));
  for (const side of ['src', 'dst'] as const) {
    const found = exact(again, side);
    for (const [flow, owner] of exact(expected, side)) assert.deepEqual(found.get(flow), owner, `flow ${flow}`);
  }
  const sources = again.flatMap((flow) => [flow.src_source, flow.dst_source]).filter((source) => source !== null);
  assert.deepEqual([...new Set(sources)], ['history']);
});

test('facts are told once, in the order of their times', () => {
  const history = new History(database, 0);
  const { fromUs, toUs, sockets } = history.span;
  const early = history.until(fromUs, fromUs)!;
  const late = history.until(toUs, fromUs)!;
  const nothing = history.until(toUs + SECOND_US, fromUs);
  history.close();
  assert.ok(early.sockets.count > 0 && late.sockets.count > 0);
  assert.equal(early.sockets.count + late.sockets.count, sockets);
  assert.equal(nothing, undefined);
  const pids = [...early.processes, ...late.processes].map(({ pid }) => pid);
  assert.equal(new Set(pids).size, pids.length);
});

test('a clock that is an hour ahead is taken back', async () => {
  const there = new History(database, 0).span;
  const shifted = new History(database, 3600 * SECOND_US);
  assert.equal(shifted.span.fromUs, there.fromUs + 3600 * SECOND_US);
  const named = (await records(shifted)).filter((flow) => flow.src_pid !== null || flow.dst_pid !== null);
  assert.deepEqual(named, []);
});

test('of an end that is not in the history nobody says that the host only passed its packets on', async () => {
  const flows = await records(new History(database, 3600 * SECOND_US));
  const reasons = new Set(flows.flatMap(({ src_reason, dst_reason }) => [src_reason, dst_reason]));
  assert.ok(reasons.has('no-socket') && !reasons.has('forwarded'), [...reasons].join());
});

test('a database without sockets is no history', async () => {
  const empty = join(folder, 'empty.db');
  await store(empty, []);
  assert.throws(
    () => new History(empty, 0),
    (error) => error instanceof UserError && error.code === 'no-history',
  );
});

test('a server that was seen once with a peer has all of its datagrams in one flow', async () => {
  await withFolder(async (path) => {
    const [file, name] = [join(path, 'peer.pcap'), join(path, 'peer.db')];
    const recorder = FlowStore.open(name, OPTIONS);
    recorder.beginCapture(INFO);
    const { row, program } = processRow(1, { pid: 21 });
    const peer = { id: 1, tuple: 'udp 10.0.0.1:53 > 10.0.0.2:999', process: 1, fromUs: NOON, toUs: NOON };
    recorder.write(tick({ processes: [row], programs: [program], sockets: [peer] }));
    recorder.endCapture(NOON + 60 * SECOND_US);
    recorder.close();
    const bytes = ethernet(ipv4({ src: '10.0.0.2', dst: '10.0.0.1' }, udp({ src: 999, dst: 53 })));
    const seconds = [0, 1, 5, 6].map((second) => ({ sec: NOON / SECOND_US + second, bytes }));
    writeFileSync(file, pcapFile(seconds));
    const flows = await recordsOf(file, { history: new History(name, 0) });
    assert.deepEqual(
      flows.map((flow) => [flow.orig_packets, flow.dst_pid]),
      [[4, 21]],
    );
  });
});
