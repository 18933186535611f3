import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { FILE_BATCH_BYTES, PcapFileSource } from '../../../src/capture/file.ts';
import { UserError } from '../../../src/core/errors.ts';
import { createPacketBatch } from '../../../src/core/packet.ts';
import { type PcapRecord, pcapFile } from '../../support/packets.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcap file '));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function write(bytes: Uint8Array): string {
  const path = join(folder, `${++files}.pcap`);
  writeFileSync(path, bytes);
  return path;
}

/** Packets of `length` octets, each filled with its number. */
const records = (count: number, length: number): PcapRecord[] =>
  Array.from({ length: count }, (_, i) => ({ bytes: new Uint8Array(length).fill(i), sec: i }));

/** Seconds of all packets, which number them; checks their octets. */
function readAll(source: PcapFileSource, capacity = 7, bytes = FILE_BATCH_BYTES, buffers = 1): number[] {
  const batches = Array.from({ length: buffers }, () => createPacketBatch(capacity, bytes));
  const seen: number[] = [];
  for (let turn = 0; ; turn++) {
    const batch = batches[turn % buffers]!;
    if (source.read(batch, 1000) < 0) return seen;
    for (let i = 0; i < batch.count; i++) {
      seen.push(batch.sec[i]!);
      const packet = batch.bytes.subarray(batch.offset[i]!, batch.offset[i]! + batch.capLen[i]!);
      assert.ok(packet.every((octet) => octet === (batch.sec[i]! & 255)));
    }
  }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const failsWith = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof UserError && error.code === code && message.test(error.message);

describe('PcapFileSource', () => {
  test('PcapFileSource delivers all packets in order, whatever the batches hold', () => {
    const file = pcapFile(records(1000, 1000));
    const path = write(file);
    for (const [capacity, bytes] of [
      [1, FILE_BATCH_BYTES],
      [64, FILE_BATCH_BYTES],
      [5000, FILE_BATCH_BYTES],
      [64, 3000],
    ] as const) {
      for (const buffers of [1, 3]) {
        const source = new PcapFileSource({ path });
        assert.deepEqual(readAll(source, capacity, bytes, buffers), numbers(1000));
        assert.deepEqual([source.damage, source.size, source.bytesRead], [undefined, file.length, file.length]);
        assert.equal(source.stats().received, 1000);
        source.close();
      }
    }
  });

  test('PcapFileSource says -1 at the end as often as it is asked', () => {
    const source = new PcapFileSource({ path: write(pcapFile(records(1, 4))) });
    const batch = createPacketBatch(4, 1000);
    assert.deepEqual(
      [1, 2, 3].map(() => source.read(batch, 0)),
      [1, -1, -1],
    );
    source.close();
    assert.equal(source.read(batch, 0), -1);
  });

  test('PcapFileSource reads a file without packets', () => {
    const source = new PcapFileSource({ path: write(pcapFile([])) });
    assert.deepEqual([readAll(source), source.damage], [[], undefined]);
    source.close();
  });

  const whole = pcapFile(records(3, 10)); // records of 26 octets behind a header of 24
  for (const [name, bytes, packets, offset, what] of [
    ['inside a packet', whole.subarray(0, 24 + 26 + 20), 1, 50, /ends inside a packet/],
    ['inside a record header', whole.subarray(0, 24 + 52 + 15), 2, 76, /ends inside a record header/],
    ['inside the file header', whole.subarray(0, 23), 0, 23, /ends inside its header/],
  ] as const) {
    test(`PcapFileSource delivers what stands before a cut ${name} and says where it is`, () => {
      const source = new PcapFileSource({ path: write(bytes) });
      assert.deepEqual(readAll(source), numbers(packets));
      assert.equal(source.damage?.offset, offset);
      assert.match(source.damage?.what ?? '', what);
      source.close();
    });
  }

  test('PcapFileSource delivers what stands before an impossible record, and reads no further', () => {
    const file = pcapFile(records(1000, 2000));
    new DataView(file.buffer).setUint32(24 + 500 * 2016 + 8, 0x7fffffff, true);
    const source = new PcapFileSource({ path: write(file) });
    assert.deepEqual(readAll(source), numbers(500));
    assert.equal(source.damage?.offset, 24 + 500 * 2016);
    assert.match(source.damage?.what ?? '', /record of 2147483647 octets/);
    source.close();
  });

  test('PcapFileSource refuses what is no pcap file, and says what it is', () => {
    const open = (bytes: readonly number[]) => () => new PcapFileSource({ path: write(Uint8Array.from(bytes)) });
    assert.throws(open([]), failsWith('not-pcap', /is empty/));
    assert.throws(open([0xd4, 0xc3, 0xb2]), failsWith('not-pcap', /is not a capture file/));
    assert.throws(open([0xfd, 0x37, 0x7a, 0x58, 0, 0, 0, 0]), failsWith('not-pcap', /compressed with xz/));
    assert.throws(open([...Buffer.from('SQLite format 3\0')]), failsWith('not-pcap', /is an SQLite database/));
    assert.throws(open(new Array<number>(100).fill(65)), failsWith('not-pcap', /is not a capture file/));
  });

  test('PcapFileSource refuses a missing file and a directory', () => {
    const directory = join(folder, 'directory');
    mkdirSync(directory);
    assert.throws(() => new PcapFileSource({ path: directory }), failsWith('not-pcap', /is a directory/));
    assert.throws(() => new PcapFileSource({ path: `${directory}/x` }), failsWith('no-such-file', /no such file/));
  });

  test('PcapFileSource leaves no descriptor open when it refuses a file', () => {
    const path = write(Uint8Array.of(1, 2, 3, 4));
    const count = (): number => readdirSync('/proc/self/fd').length;
    const before = count();
    for (let i = 0; i < 20; i++) assert.throws(() => new PcapFileSource({ path }));
    assert.equal(count(), before);
  });

  test('PcapFileSource leaves a descriptor of the caller open', () => {
    const path = write(pcapFile(records(2, 4)));
    const fd = openSync(path, 'r');
    const source = new PcapFileSource({ path: 'standard input', fd });
    assert.deepEqual(readAll(source), numbers(2));
    source.close();
    closeSync(fd); // throws when it is closed already
  });

  test('PcapFileSource reads a FIFO as it grows and waits no longer than it is told', () => {
    const path = join(folder, 'fifo');
    execFileSync('mkfifo', [path]);
    const writer = openSync(path, 'r+'); // does not wait for a reader
    const source = new PcapFileSource({ path });
    const batch = createPacketBatch(10, FILE_BATCH_BYTES);
    const file = pcapFile(records(3, 10));
    const next = (bytes: Uint8Array): number => {
      writeSync(writer, bytes);
      return source.read(batch, 0);
    };
    assert.equal(source.read(batch, 1), 0);
    assert.equal(next(file.subarray(0, 10)), 0);
    assert.equal(next(file.subarray(10, 24 + 25)), 0);
    assert.equal(next(file.subarray(24 + 25, 24 + 60)), 2);
    assert.deepEqual([source.read(batch, 0), source.size], [0, undefined]);
    assert.equal(next(file.subarray(24 + 60)), 1);
    closeSync(writer);
    assert.deepEqual([source.read(batch, 0), source.damage], [-1, undefined]);
    source.close();
  });

  test('PcapFileSource refuses a pipe with something else in it at the first read', async () => {
    const path = join(folder, 'text');
    execFileSync('mkfifo', [path]);
    const child = spawn('sh', ['-c', `echo "this is certainly no capture file" > "${path}"`]);
    const source = new PcapFileSource({ path });
    assert.throws(() => source.read(createPacketBatch(1, 1000), 5000), failsWith('not-pcap', /is not a capture file/));
    source.close();
    await new Promise((resolve) => child.on('close', resolve));
  });
});
