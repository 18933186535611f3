/** `--backend cap` against real traffic; test/run.mjs leaves it out when the optional package cap is not installed. */
import assert from 'node:assert/strict';
import { closeSync, existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type CapBackend, openCapBackend } from '../../../src/capture/cap-backend.ts';
import { FILE_BATCH_BYTES, PcapFileSource } from '../../../src/capture/file.ts';
import { UserError } from '../../../src/core/errors.ts';
import { createPacketBatch, LinkType } from '../../../src/core/packet.ts';
import { type Netns, NetnsLab, netnsMissing } from '../../support/netns.ts';
import { waitFor } from '../../support/wait.ts';
import { startWorkload } from '../../support/workload.ts';

const script = join(process.cwd(), 'dist', 'cap-child.cjs');
const DEADLINE_MS = 10_000;

interface Seen {
  packets: number;
  payloads: number[]; // origLen of each packet
  linkTypes: Set<number>;
  firstUs: number;
  ended: boolean;
}

/** Reads what is there now; waits for nothing. */
function readAll(source: PcapFileSource, seen: Seen): void {
  const batch = createPacketBatch(512, FILE_BATCH_BYTES);
  for (let count = source.read(batch, 0); count !== 0; count = source.read(batch, 0)) {
    if (count < 0) {
      seen.ended = true;
      return;
    }
    for (let i = 0; i < count; i++) {
      seen.packets++;
      seen.payloads.push(batch.origLen[i]!);
      seen.linkTypes.add(batch.linkType[i]!);
      seen.firstUs ||= batch.sec[i]! * 1e6 + batch.nsec[i]! / 1000;
    }
  }
}

const nothing = (): Seen => ({ packets: 0, payloads: [], linkTypes: new Set(), firstUs: 0, ended: false });

describe('--backend cap', { skip: netnsMissing() }, () => {
  const lab = new NetnsLab();
  after(() => lab.close());
  const [near, far] = lab.connect(lab.create(), lab.create());

  /** cap takes no namespace: its whole process is started inside. */
  function openIn(netns: Netns, device: string, filter: string): CapBackend {
    const node = netns.command(process.execPath);
    return openCapBackend({ device, filter, ringBytes: 4 << 20, script, node });
  }

  for (const [device, linkType] of [
    [near.name, LinkType.Ethernet],
    ['any', LinkType.LinuxSll],
  ] as const)
    test(`openCapBackend() delivers 23 datagrams on ${device} and ends when it is stopped`, async () => {
      const backend = openIn(near.netns, device, 'udp');
      const source = new PcapFileSource({ path: 'cap', fd: backend.fd });
      const seen = nothing();
      const startUs = Date.now() * 1000;
      await startWorkload(['udp-datagrams', 23, '--host', far.v4, '--port', 9], near.netns).sockets();
      await waitFor(() => readAll(source, seen) ?? seen.packets >= 23, DEADLINE_MS, '23 packets');
      assert.equal(seen.packets, 23);
      assert.deepEqual([...seen.linkTypes], [linkType]);
      const header = linkType === LinkType.Ethernet ? 14 : 16;
      assert.deepEqual(new Set(seen.payloads), new Set([header + 20 + 8 + 100]));
      assert.ok(seen.firstUs > startUs - 5000 && seen.firstUs < Date.now() * 1000 + 5000);
      backend.stop();
      await waitFor(() => readAll(source, seen) ?? seen.ended, DEADLINE_MS, 'the end of the pipe');
      assert.equal(source.damage, undefined);
      await waitFor(() => !isAlive(backend.pid), DEADLINE_MS, 'the child to be gone');
      source.close();
      backend.close();
    });

  test('openCapBackend() reports a bad filter and an unknown device as UserError', () => {
    const failing = (device: string, filter: string) => () => openIn(near.netns, device, filter);
    const error = (text: RegExp) => (e: unknown) =>
      e instanceof UserError && e.code === 'capture-failed' && text.test(e.message);
    assert.throws(failing(near.name, 'nonsense ('), error(/filter 'nonsense \('.*syntax error/));
    assert.throws(failing('nosuch0', ''), error(/'nosuch0'.*No such device/i));
  });

  test('CapBackend says why when the interface vanishes, and the pipe ends', async () => {
    const [gone] = lab.connect(near.netns, far.netns);
    const backend = openIn(near.netns, gone.name, '');
    const source = new PcapFileSource({ path: 'cap', fd: backend.fd });
    const seen = nothing();
    gone.netns.exec('ip', 'link', 'delete', gone.name);
    await waitFor(() => readAll(source, seen) ?? seen.ended, DEADLINE_MS, 'the end of the pipe');
    assert.match(backend.words(), /Assertion/); // its known defect, contained in the child
    source.close();
    backend.close();
  });

  test('CapBackend leaves no descriptor and no child behind', async () => {
    const open = (): string[] => readdirSync('/proc/self/fd').filter((fd) => existsSync(`/proc/self/fd/${fd}`));
    const before = open().length;
    const backend = openIn(near.netns, near.name, '');
    assert.ok(readlinkSync(`/proc/self/fd/${backend.fd}`).includes('pcapid-cap-'));
    backend.close(); // without stop(): the child sees the end of its standard input
    await waitFor(() => !isAlive(backend.pid), DEADLINE_MS, 'the child to be gone');
    await waitFor(() => open().length <= before, DEADLINE_MS, 'descriptors to be closed');
    assert.throws(() => closeSync(backend.fd), /EBADF/);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
