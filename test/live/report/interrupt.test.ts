/** Ctrl-C while a large capture is read for a report: neither a page nor the temporary database is left. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { killChildren } from '../../support/child.ts';
import { ethernet, ipv4, pcapFile, udp } from '../../support/packets.ts';
import { startPcapid } from '../../support/run-pcapid.ts';
import { waitFor } from '../../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-live-'));
after(() => {
  killChildren();
  rmSync(folder, { recursive: true });
});

const FILE_HEADER = 24;
const PACKETS = 10_000;

/** A million packets of 10,000 flows. */
function writeCapture(path: string): void {
  const packet = (i: number) => ({
    bytes: ethernet(ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp({ src: 1000 + i, dst: 53, payload: 20 }))),
  });
  const file = pcapFile(Array.from({ length: PACKETS }, (_, i) => packet(i)));
  writeFileSync(path, file);
  for (let i = 1; i < 100; i++) appendFileSync(path, file.subarray(FILE_HEADER));
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`report that gets ${signal} gives up and leaves nothing behind`, async () => {
    const place = join(folder, signal);
    const temporary = join(place, 'tmp');
    mkdirSync(temporary, { recursive: true });
    writeCapture(join(place, 'large.pcap'));
    const child = startPcapid(['report', 'large.pcap', '--html', 'large.html'], {
      cwd: place,
      env: { TMPDIR: temporary },
    });
    await waitFor(() => readdirSync(temporary).length > 0, 20_000, 'a temporary database');
    const { code, out, err } = await child.stop(signal, 60_000);
    assert.deepEqual(
      [code, out, err],
      [2, '', 'pcapid: given up, nothing was written\n        Run it again for a report.\n'],
    );
    assert.deepEqual(readdirSync(temporary), []);
    assert.deepEqual(readdirSync(place).sort(), ['large.pcap', 'tmp']);
  });
