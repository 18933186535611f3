/** Packets that tcpdump captured on the uplink of a container, after their addresses were translated. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { bpfMissing } from '../../support/bpf-probe.ts';
import { killChildren } from '../../support/child.ts';
import { connectMasqueraded } from '../../support/masquerade.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { startRecording } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { startTcpdump, tcpdumpMissing } from '../../support/tcpdump.ts';
import { startWorkload } from '../../support/workload.ts';

const COUNT = 23;

describe('a capture behind address translation', { skip: netnsMissing() || tcpdumpMissing() || bpfMissing() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-translated-'));
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
    rmSync(folder, { recursive: true });
  });

  for (const words of [['--sockets-only'], ['tcp', 'or', 'udp']])
    test(`names the container's processes by what record ${words[0]} stored`, async () => {
      const { container, router, outside, uplinkHost, outsideHost, uplink } = connectMasqueraded(lab);
      const recording = await startRecording(['-q', ...words], { netns: router });
      const file = join(folder, `${words.length}.pcap`);
      const capture = await startTcpdump(router, uplink, file);
      const [tcp, udp] = ['tcp-server', 'udp-server'].map((kind) =>
        startWorkload([kind, COUNT, '--host', outsideHost], outside),
      );
      const to = async (server: typeof tcp) => ['--host', outsideHost, '--port', await server!.port()];
      const clients = [
        ...(await startWorkload(['tcp-clients', COUNT, ...(await to(tcp))], container).sockets()),
        ...(await startWorkload(['udp-datagrams', COUNT, ...(await to(udp))], container).sockets()),
      ];
      await recording.nextTick();
      await capture.stop();
      await recording.stop();
      const flags = ['--owners', recording.database, '--format', 'ndjson'];
      const { code, out, err } = await runPcapid(['read', file, ...flags]);
      assert.equal(code, 0, err);
      assert.doesNotMatch(err, /another host/);
      const flows = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const known = new Map(clients.map(({ local, remote, pid }) => [`${local[1]} ${remote}`, pid]));
      const ours = flows.filter(({ protocol }) => protocol === 'tcp' || protocol === 'udp');
      assert.equal(ours.length, known.size);
      for (const flow of ours) {
        assert.equal(flow.src_addr, uplinkHost, 'nothing was translated');
        const pid = known.get(`${flow.src_port} ${[flow.dst_addr, flow.dst_port]}`);
        assert.deepEqual([flow.src_pid, flow.src_match, flow.src_source], [pid, 'conntrack', 'history']);
      }
    });
});
