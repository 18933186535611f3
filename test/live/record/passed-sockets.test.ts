import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { killChildren } from '../../support/child.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { processOf, type Sent, sendOddTraffic } from '../../support/odd-traffic.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { startRecording } from '../../support/recording.ts';
import { query, readFlows, type StoredFlow } from '../../support/stored-flows.ts';

const HEADERS = 40; // octets of IPv4 and TCP, without options

/** Octets of payload in the original direction, at most: headers may be longer. */
const payloadOf = (flow: StoredFlow): number => flow.origIpBytes - flow.origPackets * HEADERS;

describe('pcapid record and a connection that is passed on', { skip: netnsMissing() || realRootMissing() }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  test('splits the accounting at the moment when the other process begins to talk', async () => {
    const netns = lab.create();
    const recording = await startRecording(['-i', 'lo'], { netns });
    const { child, sent } = await sendOddTraffic(['passed-later'], netns, { lines: 3 });
    await recording.nextTick();
    await child.stop('SIGTERM');
    await recording.stop();
    const by = (wanted: string): Sent => sent.find(({ role }) => role === wanted)!;
    const [first, second, server] = [by('first'), by('second'), by('server')];
    const flows = readFlows(recording.database).filter(({ src }) => src.port === first.local![1]);
    const owners = flows.map(({ src }) => ({ pid: src.pid, startTicks: src.startTicks }));
    assert.deepEqual(owners, [first, second].map(processOf));
    assert.deepEqual([...new Set(flows.map(({ dst }) => dst.pid))], [server.pid]);
    flows.forEach((flow, i) => {
      const octets = [first, second][i]!.octets!;
      const options = flow.origPackets * 20; // time stamps, and those of the SYN
      const payload = payloadOf(flow);
      assert.ok(payload >= octets && payload <= octets + options, `${payload} octets for ${octets} of payload`);
    });

    const sql = `SELECT p.pid, h.from_us, h.to_us FROM holder h JOIN process p ON p.id = h.process
      JOIN role r ON r.id = h.role JOIN socket s ON s.id = h.socket
      WHERE r.token = 'actor' AND s.local_port = ${first.local![1]} ORDER BY h.from_us`;
    const [before, later, ...others] = query(recording.database, sql);
    assert.deepEqual(others, []);
    assert.deepEqual([before?.pid, later?.pid], [first.pid, second.pid]);
    assert.ok(Number(before?.to_us) <= Number(later?.from_us), 'the intervals overlap');
    assert.ok(Number(later?.from_us) >= first.at_us, 'the second interval begins before the socket was passed');
  });
});
