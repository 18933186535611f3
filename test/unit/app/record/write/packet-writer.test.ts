/** Packets on their way into files: whose comment comes when, and what rotation, gaps and full disks leave. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import type { Style } from '../../../../../src/app/annotate/styles.ts';
import { styleOf } from '../../../../../src/app/annotate/styles.ts';
import { CaptureFiles, WriteFailure } from '../../../../../src/app/record/write/capture-files.ts';
import { PacketRing } from '../../../../../src/app/record/write/packet-ring.ts';
import { PacketWriter, type WrittenCapture } from '../../../../../src/app/record/write/packet-writer.ts';
import { ToldOwners } from '../../../../../src/app/record/write/told-owners.ts';
import { recordsOf } from '../../../../support/file-records.ts';
import {
  commentedPids,
  comments,
  datagram,
  OWN_NETNS,
  ownersMessage,
  pushPackets,
} from '../../../../support/written-packets.ts';

const NOON_US = 1_700_000_000_000_000;
const SECOND = 1_000_000;

/** Writes as long as there is room. */
class SmallDisk extends CaptureFiles {
  isFull = false;

  override write(bytes: Uint8Array): void {
    if (this.isFull) throw new WriteFailure({ code: 'ENOSPC' });
    super.write(bytes);
  }
}

const noTshark = spawnSync('tshark', ['--version']).error === undefined ? false : 'no tshark';

describe('PacketWriter', { skip: noTshark }, () => {
  const root = mkdtempSync(join(tmpdir(), 'pcapid-writer-'));
  after(() => rmSync(root, { recursive: true }));
  let folder = root;
  beforeEach(() => {
    folder = mkdtempSync(join(root, 'x'));
  });

  function start(
    options: Partial<WrittenCapture> & { style?: Style; every?: boolean; keep?: number; ring?: number } = {},
  ) {
    const { style = 'comments', every = false, keep = Infinity, ring: octets = 1 << 20, ...capture } = options;
    const [mostBytes, mostUs] = [capture.mostBytes ?? Infinity, capture.mostUs ?? Infinity];
    const rotates = mostBytes < Infinity || mostUs < Infinity;
    const path = join(folder, 'a.pcapng');
    const files = new SmallDisk({ path, force: false, rotates, keep });
    const ring = new PacketRing(octets);
    const owners = new ToldOwners();
    const texts = { heading: 'made by a test', program: 'pcapid', system: 'Linux', filter: 'udp' };
    const whole = { ...texts, snaplen: 262_144, isOneInterface: true, ...capture, mostBytes, mostUs };
    const writer = new PacketWriter({ ring, owners, files, style: styleOf(style, owners, every) }, whole);
    writer.nameInterface({ netns: OWN_NETNS, ifindex: 2, name: 'eth0', place: '' });
    writer.begin(new Date(NOON_US / 1000));
    return { path, files, ring, owners, writer };
  }

  const written = (): string[] => readdirSync(folder).sort();

  test('a packet waits a second for its owner, and those behind it wait too', () => {
    const { path, ring, owners, writer } = start();
    pushPackets(ring, [datagram(1, NOON_US), datagram(2, NOON_US + 1)], [1, 2], 0);
    owners.learn(
      ownersMessage([
        { serial: 2, pid: 22 },
        { serial: 2, side: 1, reason: 'not-local' },
      ]),
      1000,
    );
    writer.work(SECOND - 1);
    assert.deepEqual(comments(path), []);
    writer.work(SECOND);
    assert.deepEqual(commentedPids(path), ['', '22']);
  });

  test('what is known later is said on the next packet, and again when it is known better', () => {
    const { path, ring, owners, writer } = start();
    const push = (n: number): void => void pushPackets(ring, [datagram(1, NOON_US + n)], [1], 0);
    push(0);
    writer.work(SECOND);
    owners.learn(
      ownersMessage([
        { serial: 1, reason: 'no-socket' },
        { serial: 1, side: 1, reason: 'not-local' },
      ]),
      SECOND,
    );
    for (const n of [1, 2]) push(n);
    writer.work(SECOND);
    owners.learn(ownersMessage([{ serial: 1, pid: 11 }]), SECOND);
    for (const n of [3, 4]) push(n);
    writer.work(SECOND);
    const told = comments(path);
    assert.deepEqual(
      told.map((text) => text !== ''),
      [false, true, false, true, false],
    );
    assert.match(told[1]!, /^pcapid flow=1 src\.reason=no-socket dst\.reason=not-local$/);
    assert.match(told[3]!, /^pcapid flow=1 src\.pid=11 .*dst\.reason=not-local$/);
  });

  test('--every-packet marks all packets of both directions, each from the side of its sender', () => {
    const { path, ring, owners, writer } = start({ every: true });
    owners.learn(
      ownersMessage([
        { serial: 1, pid: 11 },
        { serial: 1, side: 1, pid: 12 },
      ]),
      0,
    );
    pushPackets(
      ring,
      [0, 1, 2].map((n) => datagram(1, NOON_US + n)),
      [1, -1, 1],
      0,
    );
    writer.work(0);
    assert.deepEqual(commentedPids(path), ['11', '12', '11']);
  });

  for (const style of ['comments', 'pib', 'darwin'] as const) {
    test(`the owners written as ${style} are read again`, async () => {
      const { path, ring, owners, writer } = start({ style });
      owners.learn(
        ownersMessage([
          { serial: 1, pid: 11 },
          { serial: 1, side: 1, reason: 'not-local' },
        ]),
        0,
      );
      pushPackets(ring, [datagram(1, NOON_US), datagram(9, NOON_US)], [1, 0], 0);
      assert.deepEqual(writer.end().packets, 2);
      const [first, second] = await recordsOf(path);
      assert.deepEqual([first!.src_pid, first!.src_comm, first!.src_exe], [11, 'p11', '/bin/p11']);
      assert.deepEqual([first!.dst_pid, second!.src_pid], [null, null]);
    });
  }

  test('the next file begins behind the packet that made one larger than -C, and names owners again', () => {
    const { ring, owners, writer } = start({ mostBytes: 3000, keep: 3 });
    owners.learn(
      ownersMessage([
        { serial: 1, pid: 11 },
        { serial: 1, side: 1, reason: 'not-local' },
      ]),
      0,
    );
    for (let n = 0; n < 10; n++) pushPackets(ring, [datagram(1, NOON_US + n * SECOND, 1000)], [1], 0);
    const counts = writer.end();
    assert.deepEqual([counts.files, counts.packets, counts.marked], [4, 10, 4]);
    const names = written();
    assert.equal(names.length, 3, 'the oldest is deleted');
    assert.match(names[0]!, /^a_00002_2023111[45]\d{6}\.pcapng$/);
    assert.deepEqual(
      names.map((name) => commentedPids(join(folder, name))),
      [['11', '', ''], ['11', '', ''], ['11']].slice(-3),
    );
  });

  test('the next file begins with the first packet that is -G later than the first of this one', () => {
    const { ring, owners, writer } = start({ mostUs: 2 * SECOND });
    owners.learn(
      ownersMessage([
        { serial: 1, pid: 11 },
        { serial: 1, side: 1, pid: 12 },
      ]),
      0,
    );
    const times = [0, 1.9, 2, 3.9, 9, 1]; // the clock steps back
    for (const time of times) pushPackets(ring, [datagram(1, NOON_US + time * SECOND)], [1], 0);
    assert.equal(writer.end().files, 4);
    assert.deepEqual(
      written().map((name) => commentedPids(join(folder, name)).length),
      [2, 2, 1, 1],
    );
  });

  test('packets that found no room in the ring leave a comment where they are missing', () => {
    const { path, ring, writer } = start({ ring: 1 << 12 });
    const push = (n: number): boolean => pushPackets(ring, [datagram(n, NOON_US + n, 1500)], [0], 0);
    assert.deepEqual([push(1), push(2), push(3)], [true, true, false]);
    writer.work(0);
    assert.ok(push(4));
    const { packets, lost } = writer.end();
    assert.deepEqual([packets, lost], [3, 1]);
    const gap = 'pcapid: 1 captured packets are missing before this one, they could not be written in time';
    assert.deepEqual(comments(path), ['', '', gap]);
  });

  test('a full disk loses nothing that the ring has room for, and the file stays whole', () => {
    const { path, files, ring, writer } = start();
    pushPackets(ring, [datagram(1, NOON_US)], [0], 0);
    writer.work(0);
    const before = readFileSync(path);
    files.isFull = true;
    pushPackets(ring, [datagram(2, NOON_US + 1)], [0], 0);
    for (let n = 0; n < 3; n++) assert.throws(() => writer.work(0), /ENOSPC/);
    assert.deepEqual(readFileSync(path), before);
    files.isFull = false;
    writer.work(0);
    assert.deepEqual(comments(path), ['', '']);
    files.isFull = true;
    pushPackets(ring, [datagram(3, NOON_US + 2), datagram(4, NOON_US + 3)], [0, 0], 0);
    const { packets, lost } = writer.end();
    assert.deepEqual([packets, lost], [2, 2]);
    assert.deepEqual(comments(path), ['', '']);
  });

  test('a ring that is half full waits for nobody', () => {
    const { path, ring, writer } = start({ ring: 1 << 13 });
    for (let n = 0; n < 4; n++) assert.ok(pushPackets(ring, [datagram(1, NOON_US + n, 1400)], [1], 0));
    writer.work(0);
    assert.equal(comments(path).length, 2);
  });

  test('interfaces of several namespaces and link types are told apart by name', () => {
    const { path, ring, writer } = start();
    writer.nameInterface({ netns: OWN_NETNS, ifindex: 3, name: 'eth1', place: 'network namespace blue' });
    const packets = [datagram(1, NOON_US), { ...datagram(1, NOON_US + 1), ifindex: 3 }, datagram(1, NOON_US + 2)];
    pushPackets(ring, packets, [0, 0, 0], 0);
    writer.end();
    const fields = ['frame.interface_id', 'frame.interface_name', 'frame.interface_description'];
    const words = ['-n', '-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
    const { stdout } = spawnSync('tshark', words, { encoding: 'utf8' });
    assert.equal(stdout, '0\teth0\t\n1\teth1\tnetwork namespace blue\n0\teth0\t\n');
  });
});
