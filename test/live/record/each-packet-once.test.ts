import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { killChildren } from '../../support/child.ts';
import { connectMasqueraded } from '../../support/masquerade.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { sendOddTraffic } from '../../support/odd-traffic.ts';
import { startRecording } from '../../support/recording.ts';
import { query, readCapture, readFlows } from '../../support/stored-flows.ts';
import { startWorkload } from '../../support/workload.ts';

const COUNT = 23;

describe('pcapid record counts each packet once', { skip: netnsMissing() }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  test('a retransmission is a packet of its own', async () => {
    const netns = lab.create();
    const server = startWorkload(['tcp-server', 1], netns);
    const port = await server.port();
    const lost = `tcp dport ${port} meta length > 300 quota until 600 bytes drop`; // the first segment with payload
    netns.exec('nft', 'add', 'table', 'inet', 'loss');
    netns.exec('nft', 'add', 'chain', 'inet', 'loss', 'in', '{ type filter hook input priority 0 ; }');
    netns.exec('nft', 'add', 'rule', 'inet', 'loss', 'in', ...lost.split(' '));
    const recording = await startRecording(['-i', 'lo'], { netns });
    const { child, sent } = await sendOddTraffic(['lost-segment', '--port', port], netns);
    await recording.nextTick();
    await child.stop('SIGTERM');
    await recording.stop();
    const { segments, retransmitted = 0 } = sent[0]!;
    assert.ok(retransmitted > 0, 'nothing was lost');
    const [flow, ...others] = readFlows(recording.database);
    assert.deepEqual(others, []);
    assert.deepEqual([flow?.origPackets, flow?.replyPackets], segments);
    assert.equal(readCapture(recording.database).duplicate_packets, 0);
  });

  for (const protocol of ['tcp', 'udp'] as const)
    test(`${protocol} through a veth, a bridge and a masquerade is one flow of the container with both tuples`, async () => {
      const { container, router, outside, ...hosts } = connectMasqueraded(lab);
      const recording = await startRecording(['tcp', 'or', 'udp'], { netns: router });
      const [serve, ask] = protocol === 'tcp' ? ['tcp-server', 'tcp-clients'] : ['udp-server', 'udp-datagrams'];
      const once = protocol === 'tcp' ? 1 : COUNT;
      const reply = protocol === 'tcp' ? [] : ['--reply'];
      const server = startWorkload([serve, once, ...reply, '--host', hosts.outsideHost], outside);
      const to = ['--host', hosts.outsideHost, '--port', await server.port()];
      const [client] = await startWorkload([ask, once, ...reply, ...to], container).sockets();
      const accepted = (await server.sockets()).find(({ role }) => role === 'server');
      await recording.nextTick();
      await recording.stop();
      const sql = `SELECT src_addr, src_port, dst_addr, dst_port, nat_src_addr, nat_dst_addr, nat_dst_port,
          src_pid, orig_packets, reply_packets FROM flow_record WHERE protocol = '${protocol}'`;
      const [row, ...others] = query(recording.database, sql);
      assert.deepEqual(others, []);
      assert.deepEqual(
        [row?.src_addr, row?.src_port, row?.dst_addr, row?.dst_port],
        [hosts.containerHost, client!.local[1], ...client!.remote!],
      );
      assert.deepEqual(
        [row?.nat_src_addr, row?.nat_dst_addr, row?.nat_dst_port],
        [hosts.uplinkHost, ...client!.remote!],
      );
      assert.equal(row?.src_pid, client!.pid);
      if (protocol === 'udp') assert.deepEqual([row?.orig_packets, row?.reply_packets], [COUNT, COUNT]);
      else assert.equal(accepted?.remote?.[0], hosts.uplinkHost, 'nothing was translated');
      const { packets, flow_packets, duplicate_packets } = readCapture(recording.database);
      assert.equal(Number(flow_packets) + Number(duplicate_packets), packets);
      // Each packet passes the container's veth, the bridge and the uplink.
      assert.equal(duplicate_packets, 2 * Number(flow_packets));
    });
});
