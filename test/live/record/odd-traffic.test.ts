/** One recording of packets that no ordinary socket sends, each kind on an address of its own. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { killChildren, startChild } from '../../support/child.ts';
import { NetnsLab, netnsMissing, type VethEnd } from '../../support/netns.ts';
import { asNobody } from '../../support/nobody.ts';
import { processOf, type Sent, sendOddTraffic } from '../../support/odd-traffic.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { startRecording } from '../../support/recording.ts';
import { readFlows, type StoredEnd, type StoredFlow } from '../../support/stored-flows.ts';

const PING = '127.0.0.2';
const ICMP_SOCKET = '127.0.0.3';
const RAW_ECHO = '127.0.0.4';
const RAW_PROTOCOL = '127.0.0.5';
const REFUSED = '127.0.0.6';
const UNREACHABLE = '127.0.0.7';
const TIME_WAIT = '127.0.0.8';
const ONE_RECEIVER = '239.1.2.3';
const TWO_RECEIVERS = '239.1.2.4';
const FORGED_PORT = 7777; // that odd_traffic.py sends from through a packet socket

const owner = ({ pid, startTicks }: StoredEnd) => ({ pid, startTicks });

describe('pcapid record and packets of no ordinary socket', { skip: netnsMissing() || realRootMissing() }, () => {
  const lab = new NetnsLab();
  const [a, b] = lab.connect(lab.create(), lab.create());
  const sent = new Map<string, Sent>(); // by address, packet sockets by port
  let flows: readonly StoredFlow[] = [];
  after(() => {
    killChildren();
    lab.close();
  });

  /** Leaves the sender there with its socket open. */
  async function send(host: string, mode: string, ...more: readonly (string | number)[]): Promise<void> {
    sent.set(host, (await sendOddTraffic([mode, ...more, '--host', host], a.netns)).sent[0]!);
  }

  /** Commands that end by themselves; only their pid is known. */
  async function run(name: string, ...words: readonly string[]): Promise<void> {
    const child = startChild(a.netns.command(...words));
    const { code, err } = await child.done;
    assert.equal(code, 0, err);
    sent.set(name, { pid: child.pid, start_ticks: Number.NaN, at_us: 0 });
  }

  before(async () => {
    a.netns.exec('sysctl', '-qw', 'net.ipv4.ping_group_range=0 65535');
    a.netns.exec('ip', 'route', 'add', '224.0.0.0/4', 'dev', 'lo');
    const nobody = [...asNobody(), 'env', 'PATH=/usr/local/bin:/usr/bin:/bin']; // root's may lead where others must not go
    const gone = await sendOddTraffic(['time-wait', '--exit', '--host', TIME_WAIT], a.netns, { before: nobody });
    const recording = await startRecording([], { netns: a.netns });
    await Promise.all([
      run(PING, 'ping', '-n', '-c', '3', '-i', '0.05', PING),
      run('::1', 'ping', '-n', '-c', '3', '-i', '0.05', '::1'),
      run(b.v4, 'traceroute', '-n', '-q', '2', '-w', '1', '-m', '1', b.v4),
      send(ICMP_SOCKET, 'ping-socket', 3),
      send(RAW_ECHO, 'raw-echo', 3, '--port', 1234),
      send(RAW_PROTOCOL, 'raw-protocol', 3),
      send(REFUSED, 'refused'),
      send(UNREACHABLE, 'unreachable'),
      send(ONE_RECEIVER, 'multicast', 1),
      send(TWO_RECEIVERS, 'multicast', 2),
    ]);
    await send(TIME_WAIT, 'time-wait', '--segment', ...gone.sent[0]!.ports!);
    const words = ['packet-socket', 3, ...frame(a, b)];
    for (const ports of [[5000], [5001, 5002]]) {
      const senders = await Promise.all(ports.map((port) => sendOddTraffic([...words, '--port', port], a.netns)));
      senders.forEach((sender, i) => void sent.set(`${ports[i]}`, sender.sent[0]!));
      await recording.nextTick();
      for (const { child } of senders) await child.stop('SIGTERM');
    }
    await recording.stop();
    flows = readFlows(recording.database);
  });

  function frame(from: VethEnd, to: VethEnd): readonly string[] {
    const [link] = JSON.parse(to.netns.exec('ip', '-j', 'link', 'show', 'dev', to.name));
    return ['--source', from.v4, '--host', to.v4, '--device', from.name, '--mac', link.address];
  }

  /** The only flow of `protocol` to or from that address. */
  function flowOf(protocol: string, address: string): StoredFlow {
    const found = flows.filter(
      ({ src, dst, ...flow }) => flow.protocol === protocol && [src.address, dst.address].includes(address),
    );
    assert.equal(found.length, 1, `flows of ${protocol} at ${address}: ${JSON.stringify(found)}`);
    return found[0]!;
  }

  const assertKernel = ({ pid, reason }: StoredEnd): void => assert.deepEqual([pid, reason], [null, 'kernel']);

  const assertSent = (end: StoredEnd, address: string): void =>
    assert.deepEqual(owner(end), processOf(sent.get(address)!));

  for (const [protocol, address] of [
    ['icmp', PING],
    ['icmp6', '::1'],
  ] as const)
    test(`ping ${address} is named, and its answers are those of the kernel`, () => {
      const flow = flowOf(protocol, address);
      assert.deepEqual([flow.origPackets, flow.replyPackets], [3, 3]);
      assert.equal(flow.src.pid, sent.get(address)!.pid);
      assertKernel(flow.dst);
    });

  test('an ICMP socket is named by its id', () => {
    const { src, dst } = flowOf('icmp', ICMP_SOCKET);
    assert.equal(src.port, sent.get(ICMP_SOCKET)!.id);
    assertSent(src, ICMP_SOCKET);
    assertKernel(dst);
  });

  test('a raw socket that sends ICMP is named', () => {
    const { src, dst } = flowOf('icmp', RAW_ECHO);
    assert.equal(src.port, 1234);
    assertSent(src, RAW_ECHO);
    assertKernel(dst);
  });

  test('a raw socket of another protocol is named', () => {
    assertSent(flowOf('253', RAW_PROTOCOL).src, RAW_PROTOCOL);
  });

  test('a SYN to a closed port is of the client, the RST of the kernel', () => {
    const flow = flowOf('tcp', REFUSED);
    assert.deepEqual([flow.origPackets, flow.replyPackets], [1, 1]);
    assertSent(flow.src, REFUSED);
    assertKernel(flow.dst);
  });

  test('a datagram to a closed port is of its sender, the ICMP error of the kernel', () => {
    assertSent(flowOf('udp', UNREACHABLE).src, UNREACHABLE);
    assertKernel(flowOf('icmp', UNREACHABLE).src);
  });

  test('every probe of traceroute is named, and no answer to it', () => {
    const probes = flows.filter(({ protocol, src, dst }) => {
      return protocol === 'udp' && dst.address === b.v4 && src.port !== FORGED_PORT;
    });
    assert.equal(probes.length, 2);
    assert.deepEqual([...new Set(probes.map(({ src }) => src.pid))], [sent.get(b.v4)!.pid]);
    const answers = flows.filter(({ protocol, src }) => protocol === 'icmp' && src.address === b.v4);
    assert.ok(answers.length > 0);
    assert.deepEqual([...new Set(answers.map(({ dst }) => dst.pid))], [null]);
  });

  test('what left through a packet socket is no other process, however many of them there are', () => {
    for (const port of [5000, 5001, 5002]) {
      const { src } = flows.find((flow) => flow.src.port === FORGED_PORT && flow.dst.port === port)!;
      const right = sent.get(`${port}`)!.pid;
      assert.ok(src.pid === null || src.pid === right, `${src.pid} was named, not ${right}`);
    }
  });

  test('TIME_WAIT is never root, although the kernel says so', () => {
    const { src, dst } = flowOf('tcp', TIME_WAIT);
    // The raw socket that forged the segment stands at one end, the connection of nobody's that was at the other.
    const pids = [src, dst].map(({ pid }) => pid).filter((pid) => pid !== null);
    assert.ok(pids.length <= 1 && pids.every((pid) => pid === sent.get(TIME_WAIT)!.pid), `${pids} were named`);
    const ofKernel = [src, dst].filter(({ pid }) => pid === null);
    assert.deepEqual([...new Set(ofKernel.map(({ uid }) => uid === 0))], [false]);
  });

  test('a multicast datagram with one receiver names it', () => {
    const { src, dst } = flowOf('udp', ONE_RECEIVER);
    assertSent(src, ONE_RECEIVER);
    assert.deepEqual([dst.pid, dst.startTicks], sent.get(ONE_RECEIVER)!.receivers![0]);
  });

  test('a multicast datagram with two receivers lists both', () => {
    const { src, dst } = flowOf('udp', TWO_RECEIVERS);
    assertSent(src, TWO_RECEIVERS);
    assert.deepEqual([dst.pid, dst.reason, dst.holders], [null, 'ambiguous', 2]);
  });
});
