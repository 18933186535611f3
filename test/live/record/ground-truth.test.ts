import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { killChildren } from '../../support/child.ts';
import { deviations } from '../../support/deviations.ts';
import { makeKnownTraffic } from '../../support/known-traffic.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { type Recording, startRecording } from '../../support/recording.ts';

describe('pcapid record names the owners of known traffic', { skip: netnsMissing() }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  test('on loopback, both ends', async () => {
    const netns = lab.create();
    const recording = await startRecording([], { netns });
    const truth = await makeKnownTraffic({ clients: netns, servers: netns, v4: '127.0.0.1', v6: '::1' });
    await recording.stop();
    assert.deepEqual(deviations(recording.database, truth, 'both'), []);
  });

  test('between two namespaces, recorded in each', async () => {
    const [a, b] = lab.connect(lab.create(), lab.create());
    const filter = ['tcp or udp']; // neighbour discovery has no process
    const [inA, inB]: readonly Recording[] = await Promise.all(
      [a, b].map(({ netns }) => startRecording(filter, { netns })),
    );
    const truth = await makeKnownTraffic({ clients: a.netns, servers: b.netns, v4: b.v4, v6: b.v6 });
    await Promise.all([inA!.stop(), inB!.stop()]);
    const toldOfAll = realRootMissing() === false; // BPF programs tell of the namespace beyond the veth too
    assert.deepEqual(deviations(inA!.database, truth, toldOfAll ? 'both' : 'src'), []);
    assert.deepEqual(deviations(inB!.database, truth, toldOfAll ? 'both' : 'dst'), []);
  });
});
