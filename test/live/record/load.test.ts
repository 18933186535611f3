import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { killChildren, startChild } from '../../support/child.ts';
import { compileC } from '../../support/compile.ts';
import { type Netns, NetnsLab, netnsMissing } from '../../support/netns.ts';
import { startRecording } from '../../support/recording.ts';
import { readCapture, readFlows } from '../../support/stored-flows.ts';

const blast = netnsMissing() === false ? compileC('blast') : undefined;
const skip = netnsMissing() || (blast === undefined ? 'no C compiler' : false);
/** Whatever else runs on this machine is not under test. */
const FIRST = { before: ['nice', '-n', '-20'], env: { PCAPID_LOOP_DELAY: '1' } } as const;
const OCTETS = 100;
const FRAME = OCTETS + 8 + 20 + 14;

describe('pcapid record under load', { skip }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  /** A namespace whose packets to `target` pass a veth and are received by nobody. */
  function makeSink(): { readonly netns: Netns; readonly device: string; readonly target: string } {
    const [a, b] = lab.connect(lab.create(), lab.create());
    const target = b.v4.replace(/\d+$/, '77');
    const words = ['neighbour', 'add', target, 'lladdr', '02:00:00:00:00:77', 'dev', a.name, 'nud', 'permanent'];
    a.netns.exec('ip', ...words);
    return { netns: a.netns, device: a.name, target };
  }

  /** Sends `packets` datagrams over `flows` sockets. @returns the sender's pid */
  async function send(netns: Netns, target: string, flows: number, packets: number, rate: number, holdS: number) {
    const words = [blast!, target, 10_000, flows, packets, rate, OCTETS, holdS].map(String);
    const child = startChild(netns.command(...words));
    const { code, err } = await child.done;
    assert.equal(code, 0, err);
    return child.pid;
  }

  test('a million packets at 100,000 a second: none dropped, all counted in their flows', async () => {
    const { netns, device, target } = makeSink();
    const recording = await startRecording(['-i', device, 'udp'], { netns, ...FIRST });
    await send(netns, target, 1000, 1_000_000, 100_000, 0);
    const { err } = await recording.stop();
    const { packets, bytes, kernel_drops, flow_packets } = readCapture(recording.database);
    assert.deepEqual([packets, kernel_drops, flow_packets], [1_000_000, 0, 1_000_000], err);
    assert.equal(bytes, 1_000_000 * FRAME);
    const flows = readFlows(recording.database);
    assert.equal(flows.length, 1000);
    assert.deepEqual([...new Set(flows.map(({ origPackets }) => origPackets))], [1000]);
  });

  test('24,000 flows at once: all named, and the main thread is never busy for 100 ms', async () => {
    const { netns, device, target } = makeSink();
    const recording = await startRecording(['-i', device, 'udp'], { netns, ...FIRST });
    const senders = [1, 2].map(() => send(netns, target, 12_000, 36_000, 12_000, 6));
    const pids = await Promise.all(senders);
    const { err } = await recording.stop();
    const flows = readFlows(recording.database);
    assert.equal(flows.length, 24_000);
    const named = pids.map((pid) => flows.filter(({ src }) => src.pid === pid).length);
    assert.deepEqual(named, [12_000, 12_000], err);
    assert.deepEqual([...new Set(flows.map(({ origPackets }) => origPackets))], [3]);
    const busyMs = Number(/main thread busy for ([\d.]+) ms at most/.exec(err)?.[1]);
    assert.ok(busyMs < 100, `${busyMs} ms`);
  });
});
