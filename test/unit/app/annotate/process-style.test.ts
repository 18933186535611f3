/** Captures annotated with blocks of processes: the same packets to tshark, and the same owners to pcapid. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Annotated, annotate } from '../../../../src/app/annotate/annotate.ts';
import type { Style } from '../../../../src/app/annotate/styles.ts';
import { parseFacts } from '../../../../src/app/read/fact-file.ts';
import type { FactsMessage } from '../../../../src/app/record/messages.ts';
import type { FlowRecord } from '../../../../src/core/record.ts';
import { recordsOf } from '../../../support/file-records.ts';
import { ethernet, ipv4, udp } from '../../../support/packets.ts';
import { enhancedPacket, interfaceBlock, pcapng, section, simplePacket, text } from '../../../support/pcapng-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-style-'));
after(() => rmSync(folder, { recursive: true }));

const FACTS = parseFacts(readFileSync('captures/demo.facts.ndjson', 'utf8'), 'facts');
let outputs = 0;

async function run(
  input: string,
  style: Style,
  { facts = [], every = false }: { facts?: readonly FactsMessage[]; every?: boolean } = {},
): Promise<{ output: string; done: Annotated }> {
  const output = join(folder, `${++outputs}.pcapng`);
  const rest = { force: false, version: '1', command: 'annotate', onProgress: () => {} };
  return { output, done: await annotate({ input, output, style, every, facts, ...rest }) };
}

function written(bytes: Uint8Array): string {
  const path = join(folder, `${++outputs}.in`);
  writeFileSync(path, bytes);
  return path;
}

/** Times, lengths and interfaces of packets, without the rows that are blocks. */
function tshark(path: string): string {
  const fields = ['frame.time_epoch', 'frame.len', 'frame.cap_len', 'frame.protocols', 'frame.interface_id'];
  const words = ['-n', '-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  const lines = execFileSync('tshark', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).split('\n');
  return lines.filter((line) => !/\tpcapng|file-pcapng|\tsystemd|^\t/.test(line)).join('\n');
}

const OWNER = { darwin: ['pid', 'comm', 'exe'], pib: ['pid', 'comm', 'exe', 'cmdline', 'uid'] } as const;

for (const style of ['darwin', 'pib'] as const) {
  describe(`annotate --style ${style}`, () => {
    test('the owners that facts tell are read again, of both ends of a connection too', async () => {
      const { output, done } = await run('captures/demo.pcap', style, { facts: FACTS });
      const owners = (all: readonly FlowRecord[]) =>
        all.map((flow) => [...OWNER[style].flatMap((field) => [flow[`src_${field}`], flow[`dst_${field}`]])]);
      const isNamed = (flow: FlowRecord) => flow.src_pid !== null || flow.dst_pid !== null;
      const expected = (await recordsOf('captures/demo.pcap', { facts: FACTS })).filter(isNamed);
      const reread = (await recordsOf(output)).filter(isNamed);
      assert.ok(expected.some((flow) => flow.src_pid !== null && flow.dst_pid !== null));
      assert.deepEqual(owners(reread), owners(expected));
      assert.equal(done.counts.marked, 9, 'each named end of each flow');
    });

    for (const name of ['blocks.pcapng', 'sections.pcapng', 'times.pcapng']) {
      test(`${name} has the same packets for tshark`, async () => {
        const input = join('captures', name);
        const { output } = await run(input, style, { facts: FACTS, every: true });
        assert.equal(tshark(output), tshark(input));
      });
    }

    test('a file with blocks of another writer is refused', async () => {
      for (const name of ['darwin.pcapng', 'process-id.pcapng'])
        await assert.rejects(run(join('captures', name), style), { code: 'process-blocks' });
    });

    test('each section has the blocks that its packets refer to, in its byte order', async () => {
      const packet = (time: bigint) =>
        enhancedPacket({
          bytes: ethernet(ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp({ src: 4000, dst: 53 }))),
          time,
          options: [[1, text('PID: 7\nCmd: /bin/dig')]],
        });
      const bytes = (['big', 'little'] as const).flatMap((order) => [section({ order }), interfaceBlock(), packet(5n)]);
      const { output, done } = await run(written(pcapng(...bytes)), style, { every: true });
      assert.deepEqual(done.counts, { packets: 2, marked: 2, refused: 0 });
      const copy = readFileSync(output);
      const types = { darwin: ['80000001', '01000080'], pib: ['00000bad', 'ad0b0000'] }[style];
      for (const type of types) assert.equal(copy.toString('hex').split(type).length, 2, type);
      assert.deepEqual(
        (await recordsOf(output)).map(({ src_pid, src_comm }) => [src_pid, src_comm]),
        [[7, 'dig']],
      );
    });

    test('blocks stand before the packet even where that has no room for options', async () => {
      const frame = ethernet(ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp({ src: 4000, dst: 53 })));
      const noted = enhancedPacket({ bytes: frame, options: [[1, text('PID: 7\nCmd: /bin/dig')]] });
      const bytes = pcapng(section(), interfaceBlock(), simplePacket(frame), noted);
      const { output, done } = await run(written(bytes), style, { every: true });
      assert.deepEqual(done.counts, { packets: 2, marked: 1, refused: 1 });
      assert.equal((await recordsOf(output))[0]?.src_comm, 'dig');
    });
  });
}

test('a packet that names a process in option 8 already keeps it', async () => {
  const frame = ethernet(ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp({ src: 4000, dst: 53 })));
  const pid = enhancedPacket({ bytes: frame, options: [[8, (w) => [...w.u32(9), ...w.u32(1)]]] });
  const { output, done } = await run(written(pcapng(section(), interfaceBlock(), pid)), 'pib');
  assert.deepEqual(done.counts, { packets: 1, marked: 0, refused: 1 });
  assert.equal((await recordsOf(output))[0]?.src_pid, 9);
});
