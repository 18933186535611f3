import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { killChildren } from '../../support/child.ts';
import { type Netns, NetnsLab, netnsMissing, type VethEnd } from '../../support/netns.ts';
import { startRecording } from '../../support/recording.ts';
import { query, readCapture, readFlows } from '../../support/stored-flows.ts';
import { startTcpdump, tcpdumpMissing } from '../../support/tcpdump.ts';
import { type TupleCount, tsharkTotals } from '../../support/tshark-totals.ts';
import { waitFor } from '../../support/wait.ts';
import { startWorkload } from '../../support/workload.ts';

const skip = tcpdumpMissing();

/** Every direction of every stored flow, named as tsharkTotals() names it. */
function storedTuples(database: string): ReadonlyMap<string, TupleCount> {
  const tuples = new Map<string, TupleCount>();
  const add = (key: string, packets: number, bytes: number, ipBytes: number): void => {
    if (packets === 0) return;
    const known = tuples.get(key) ?? { packets: 0, bytes: 0, ipBytes: 0 };
    tuples.set(key, { packets: known.packets + packets, bytes: known.bytes + bytes, ipBytes: known.ipBytes + ipBytes });
  };
  for (const flow of readFlows(database)) {
    const [src, dst] = [flow.src, flow.dst].map(({ address, port }) => `${address} ${port ?? 0}`);
    add(`${flow.protocol} ${src} ${dst}`, flow.origPackets, flow.origBytes, flow.origIpBytes);
    add(`${flow.protocol} ${dst} ${src}`, flow.replyPackets, flow.replyBytes, flow.replyIpBytes);
  }
  return tuples;
}

const sorted = (tuples: ReadonlyMap<string, TupleCount>) => [...tuples].sort(([a], [b]) => (a < b ? -1 : 1));

/** captured = attributed + unattributed by reason + not IP, in packets and octets; every end has a name or a reason. */
function assertConserved(database: string): void {
  const [open] = query(
    database,
    `SELECT count(*) AS flows FROM flow
      WHERE (src_process IS NULL AND src_reason IS NULL) OR (dst_process IS NULL AND dst_reason IS NULL)`,
  );
  assert.equal(open?.flows, 0, 'flows with an end that has neither a process nor a reason');
  const parts = query(
    database,
    `SELECT CASE WHEN src_process IS NOT NULL OR dst_process IS NOT NULL THEN 'attributed'
        WHEN src_reason NOT IN (4, 5) THEN 'src ' || src_reason ELSE 'dst ' || dst_reason END AS why,
      sum(orig_packets + reply_packets) AS packets, sum(orig_bytes + reply_bytes) AS bytes FROM flow GROUP BY why`,
  );
  const capture = readCapture(database);
  const sum = (name: string): number => parts.reduce((total, part) => total + Number(part[name]), 0);
  const count = (name: string): number => Number(capture[name]);
  const beside = (what: string) => count(`duplicate_${what}`) + count(`not_ip_${what}`) + count(`bad_${what}`);
  assert.equal(sum('packets') + beside('packets'), count('packets'));
  assert.equal(sum('bytes') + beside('bytes'), count('bytes'));
}

/** TCP, UDP in fragments, answered and refused, and pings, over both families. */
async function makeTraffic(clients: Netns, servers: Netns, v4: string, v6: string): Promise<void> {
  for (const [family, host] of [
    ['4', v4],
    ['6', v6],
  ] as const) {
    const where = ['--family', family, '--host', host];
    const tcp = startWorkload(['tcp-server', 23, ...where], servers);
    const udp = startWorkload(['udp-server', 23, '--reply', ...where], servers);
    const [tcpPort, udpPort] = await Promise.all([tcp.port(), udp.port()]);
    const short = ['--hold', 0, ...where];
    const datagrams = ['udp-datagrams', 23, '--reply', '--size', family === '4' ? 4000 : 900, '--port', udpPort];
    await Promise.all([
      startWorkload(['tcp-clients', 23, '--size', 40_000, '--port', tcpPort, ...short], clients).sockets(),
      startWorkload([...datagrams, ...short], clients).sockets(),
      tcp.sockets(),
      udp.sockets(),
    ]);
    clients.exec('ping', '-n', '-c', '3', '-i', '0.05', host);
    clients.exec('python3', '-c', refused(family, host)); // ICMP port unreachable comes back
  }
}

const refused = (family: '4' | '6', host: string): string =>
  `import socket\ns = socket.socket(socket.AF_INET${family === '4' ? '' : '6'}, socket.SOCK_DGRAM)\n` +
  `s.sendto(b'x', ('${host}', 9))`;

/** Packets and octets that passed an interface, both ways: `ip -s link`. */
function interfaceCounter({ netns, name }: VethEnd): { readonly packets: number; readonly bytes: number } {
  const [link] = JSON.parse(netns.exec('ip', '-s', '-j', 'link', 'show', 'dev', name));
  const { rx, tx } = link.stats64;
  return { packets: rx.packets + tx.packets, bytes: rx.bytes + tx.bytes };
}

/** The kernel greets the link with packets of its own for some seconds. */
async function untilSilent(end: VethEnd): Promise<void> {
  let before = interfaceCounter(end);
  let sinceMs = performance.now();
  const isSilent = (): boolean => {
    const now = interfaceCounter(end);
    if (now.packets !== before.packets) sinceMs = performance.now();
    before = now;
    return performance.now() - sinceMs > 1500;
  };
  await waitFor(isSilent, 15_000, `${end.name} to be silent`);
}

describe('pcapid record counts as others do', { skip: netnsMissing() }, () => {
  const lab = new NetnsLab();
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-totals-'));
  after(() => {
    killChildren();
    lab.close();
    rmSync(folder, { recursive: true });
  });

  test('stored flows on lo are equal to what tshark reads from a tcpdump file', { skip }, async () => {
    const netns = lab.create();
    const file = join(folder, 'lo.pcap');
    const tcpdump = await startTcpdump(netns, 'lo', file);
    const recording = await startRecording(['-i', 'lo'], { netns });
    await makeTraffic(netns, netns, '127.0.0.1', '::1');
    await recording.stop();
    await tcpdump.stop();
    const { tuples, packets } = tsharkTotals(file);
    assert.deepEqual(sorted(storedTuples(recording.database)), sorted(tuples));
    assert.equal(readCapture(recording.database).packets, packets);
    assertConserved(recording.database);
  });

  test('on veth they are equal to tshark and to the counter of the interface', { skip }, async () => {
    const [a, b] = lab.connect(lab.create(), lab.create());
    for (const end of [a, b]) end.netns.exec('sysctl', '-qw', `net.ipv6.conf.${end.name}.router_solicitations=0`);
    await untilSilent(a);
    const before = interfaceCounter(a);
    const file = join(folder, 'veth.pcap');
    const tcpdump = await startTcpdump(a.netns, a.name, file);
    const recording = await startRecording(['-i', a.name], { netns: a.netns });
    assert.deepEqual(interfaceCounter(a), before, 'a packet passed before the recording began');
    await makeTraffic(a.netns, b.netns, b.v4, b.v6);
    await untilSilent(a);
    await recording.stop();
    await tcpdump.stop();
    const passed = interfaceCounter(a);
    const capture = readCapture(recording.database);
    const { tuples, packets, bytes, notIp } = tsharkTotals(file);
    assert.deepEqual(sorted(storedTuples(recording.database)), sorted(tuples));
    assert.ok(notIp > 0, 'ARP');
    assert.deepEqual(
      [capture.packets, capture.bytes, capture.not_ip_packets, capture.kernel_drops, capture.duplicate_packets],
      [packets, bytes, notIp, 0, 0],
    );
    assert.deepEqual(
      [capture.packets, capture.bytes],
      [passed.packets - before.packets, passed.bytes - before.bytes],
      'the interface counted something else',
    );
    assertConserved(recording.database);
  });

  test('a packet that passes a router is counted once, and its second sighting as duplicate', async () => {
    const router = lab.create();
    const [a, fromA] = lab.connect(lab.create(), router);
    const [fromB, b] = lab.connect(router, lab.create());
    router.exec('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    a.netns.exec('ip', 'route', 'add', 'default', 'via', fromA.v4);
    b.netns.exec('ip', 'route', 'add', 'default', 'via', fromB.v4);
    const recording = await startRecording(['--sources', 'diag,proc', 'udp'], { netns: router });
    const server = startWorkload(['udp-server', 23, '--reply', '--host', b.v4], b.netns);
    const to = ['--host', b.v4, '--port', await server.port()];
    const [sender] = await startWorkload(['udp-datagrams', 23, '--reply', ...to], a.netns).sockets();
    await server.sockets();
    await recording.stop();
    const [flow, ...others] = readFlows(recording.database);
    assert.deepEqual(others, []);
    assert.deepEqual([flow?.origPackets, flow?.replyPackets], [sender?.sent_packets, sender?.received_packets]);
    assert.deepEqual([flow?.src.reason, flow?.dst.reason], ['forwarded', 'forwarded']);
    assert.equal(readCapture(recording.database).duplicate_packets, 46);
    assertConserved(recording.database);
  });
});
