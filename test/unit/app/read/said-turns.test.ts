import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { recordsOf } from '../../../support/file-records.ts';
import { ethernet, ipv4, tcp } from '../../../support/packets.ts';
import { enhancedPacket, interfaceBlock, pcapng, section, text } from '../../../support/pcapng-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-turns-'));
after(() => rmSync(folder, { recursive: true }));

const COMMENT = 1;
const [OURS, THEIRS] = ['192.0.2.1', '198.51.100.9'];

/** What is read of packets of one connection, a second apart, with these comments; `<`: it goes the other way. */
async function flowsOf(...comments: readonly (string | null)[]): Promise<readonly string[]> {
  const packets = comments.map((comment, i) => {
    const isBack = comment?.startsWith('<') === true;
    const [src, dst, ports] = isBack
      ? ([THEIRS, OURS, { src: 443, dst: 40_000 }] as const)
      : ([OURS, THEIRS, { src: 40_000, dst: 443 }] as const);
    const bytes = ethernet(ipv4({ src, dst }, tcp({ ...ports, seq: i, payload: 1 })));
    const words = comment?.replace('<', '') ?? '';
    const options = words === '' ? [] : [[COMMENT, text(`pcapid ${words}`)] as const];
    return enhancedPacket({ bytes, time: BigInt(i) * 1_000_000n, options });
  });
  const path = join(folder, 'x.pcapng');
  writeFileSync(path, pcapng(section(), interfaceBlock(), ...packets));
  const flows = await recordsOf(path);
  const who = (pid: unknown, reason: unknown) => pid ?? reason;
  return flows.map((flow) => {
    const ends = `${who(flow.src_pid, flow.src_reason)} > ${who(flow.dst_pid, flow.dst_reason)}`;
    return `${ends}, ${flow.orig_packets}+${flow.reply_packets}`;
  });
}

const named = (flow: number, side: 'src' | 'dst', pid: number): string =>
  `flow=${flow} ${side}.pid=${pid} ${side}.start=5 ${side}.comm=p ${side}.match=cookie ${side}.confidence=exact`;

test('where the comments give a connection another number and another process, the next flow begins', async () => {
  assert.deepEqual(
    await flowsOf(named(1, 'src', 21), '<', named(2, 'src', 22), null, '<', `<${named(3, 'dst', 23)}`, null),
    ['21 > not-local, 1+1', '22 > not-local, 2+1', '23 > not-local, 1+1'],
  );
});

test('the same number with another process is known better, the same process with another number is no turn', async () => {
  assert.equal((await flowsOf(named(1, 'src', 21), null, named(1, 'src', 22))).length, 1);
  assert.deepEqual(await flowsOf(named(1, 'src', 21), null, named(2, 'src', 21)), ['21 > not-local, 3+0']);
});

test('who is named after somebody who is not known gets nothing of what was before', async () => {
  const unknown = 'flow=1 src.match=cookie src.reason=ambiguous';
  assert.deepEqual(await flowsOf(unknown, null, named(2, 'src', 22)), [
    'ambiguous > not-local, 2+0',
    '22 > not-local, 1+0',
  ]);
});

test('comments of both hosts of a merged capture are about their own ends', async () => {
  const ours = `${named(7, 'src', 21)} dst.reason=not-local`;
  const theirs = `${named(3, 'dst', 9)} src.reason=not-local`;
  const flows = await flowsOf(ours, theirs, ours, theirs);
  assert.equal(flows.length, 1);
});

test('a file that changes its mind with every packet costs no more than another one', async () => {
  const all = Array.from({ length: 200 }, (_, i) => named(i + 1, 'src', i + 1));
  const flows = await flowsOf(...all);
  assert.equal(
    flows.reduce((sum, line) => sum + Number(/(\d+)\+0$/.exec(line)![1]), 0),
    all.length,
  );
});
