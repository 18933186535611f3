/** What `read` says of every capture is what tshark(1) says of it: several runs of it at once, it takes long to start. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { namesOfFile } from '../support/read-names.ts';
import { pcapid, READABLE } from '../support/read-in-process.ts';
import { printedFlows, tsharkFlows } from '../support/tshark-flows.ts';
import { tsharkNamesOf } from '../support/tshark-names.ts';
import { capinfosPackets, type PairCount, pairOf, tsharkMissing, tsharkPairs } from '../support/tshark-pairs.ts';

const NDJSON = ['--format', 'ndjson'];
/** A port of VXLAN and a kind of 802.11 in CAPWAP that tshark has to be told of. */
const TUNNELS = ['-d', 'udp.port==8472,vxlan', '-o', 'capwap.swap_fc:FALSE'];
/** tshark 4.0 knows only a draft of version 2. */
const QUIC_2 = /^quic quic2\./;

function countPairs(ndjson: string): Record<string, PairCount> {
  const pairs: Record<string, PairCount> = {};
  for (const line of ndjson.split('\n').slice(0, -1)) {
    const flow = JSON.parse(line);
    const pair = pairOf(flow.src_addr, flow.dst_addr);
    const { packets, bytes, ipBytes } = pairs[pair] ?? { packets: 0, bytes: 0, ipBytes: 0 };
    pairs[pair] = {
      packets: packets + flow.orig_packets + flow.reply_packets,
      bytes: bytes + flow.orig_bytes + flow.reply_bytes,
      ipBytes: ipBytes + flow.orig_ip_bytes + flow.reply_ip_bytes,
    };
  }
  return pairs;
}

describe('tshark agrees on', { skip: tsharkMissing(), concurrency: 2 }, () => {
  for (const capture of READABLE) {
    const path = `captures/${capture}`;

    test(`the packets and octets of ${capture}, and on the names in them`, async () => {
      const tshark = await tsharkPairs(path);
      const summary = await pcapid('read', path, '--summary');
      assert.equal(Number(/^(\d+) packets?/.exec(summary)?.[1]), tshark.packets);
      assert.equal(capinfosPackets(path) ?? tshark.packets, tshark.packets);
      assert.deepEqual(countPairs(await pcapid('read', path, ...NDJSON)), tshark.pairs);
      const names = namesOfFile(path).filter((name) => !QUIC_2.test(name));
      assert.deepEqual(names, await tsharkNamesOf(path));
    });

    test(`the flows of ${capture}, and on their times`, async () => {
      const printed = printedFlows(await pcapid('read', path, ...NDJSON));
      assert.deepEqual(printed, await tsharkFlows(path));
    });
  }

  test('the flows of the innermost packets of tunnels', async () => {
    const printed = printedFlows(await pcapid('read', 'captures/tunnels.pcap', ...NDJSON, '--decap'));
    assert.deepEqual(printed, await tsharkFlows('captures/tunnels.pcap', 'innermost', TUNNELS));
  });
});
