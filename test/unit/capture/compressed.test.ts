import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import * as zlib from 'node:zlib';
import { FILE_BATCH_BYTES, PcapFileSource } from '../../../src/capture/file.ts';
import { UserError } from '../../../src/core/errors.ts';
import { createPacketBatch } from '../../../src/core/packet.ts';
import { pcapFile } from '../../support/packets.ts';
import { enhancedPacket, interfaceBlock, pcapng, section } from '../../support/pcapng-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-compressed-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function write(bytes: Uint8Array): string {
  const path = join(folder, String(++files));
  writeFileSync(path, bytes);
  return path;
}

const COUNT = 20_000;
const bytes = (i: number): Uint8Array => new Uint8Array(40).fill(i & 255);
const numbers = Array.from({ length: COUNT }, (_, i) => i);
const whole = pcapFile(numbers.map((i) => ({ bytes: bytes(i), sec: i })));

async function readAll(path: string): Promise<{ seconds: number[]; damage: PcapFileSource['damage'] }> {
  const source = new PcapFileSource({ path });
  const batch = createPacketBatch(4096, FILE_BATCH_BYTES);
  const seconds: number[] = [];
  for (;;) {
    const count = source.read(batch, 0);
    if (count < 0) break;
    for (let i = 0; i < count; i++) seconds.push(batch.sec[i]!);
    if (count === 0) await source.more();
  }
  source.close();
  return { seconds, damage: source.damage };
}

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const pack = (program: string): Buffer => spawnSync(program, ['-c'], { input: whole, maxBuffer: 1 << 26 }).stdout;

describe('PcapFileSource reads compressed files', () => {
  test('PcapFileSource reads gzip, in one member or in several', async () => {
    const [first, second] = [whole.subarray(0, 70_000), whole.subarray(70_000)];
    for (const packed of [zlib.gzipSync(whole), Buffer.concat([zlib.gzipSync(first), zlib.gzipSync(second)])]) {
      assert.deepEqual(await readAll(write(packed)), { seconds: numbers, damage: undefined });
    }
  });

  test('PcapFileSource reads lz4', { skip: has('lz4') ? false : 'no lz4' }, async () => {
    assert.deepEqual(await readAll(write(pack('lz4'))), { seconds: numbers, damage: undefined });
  });

  test('PcapFileSource reads zstd where Node can, else says what can', {
    skip: has('zstd') ? false : 'no zstd',
  }, async () => {
    const path = write(pack('zstd'));
    if ('createZstdDecompress' in zlib) {
      assert.deepEqual(await readAll(path), { seconds: numbers, damage: undefined });
      return;
    }
    const isHelpful = (error: unknown): boolean =>
      error instanceof UserError && error.code === 'no-zstd' && error.hint.includes(`zstd -dc ${path} | pcapid read -`);
    await assert.rejects(readAll(path), isHelpful);
  });

  test('PcapFileSource reads pcapng inside', async () => {
    const file = pcapng(section(), interfaceBlock(), enhancedPacket({ bytes: bytes(1), time: 7_000_000n }));
    assert.deepEqual(await readAll(write(zlib.gzipSync(file))), { seconds: [7], damage: undefined });
  });

  test('PcapFileSource delivers everything before the cut of a compressed file', async () => {
    const packed = zlib.gzipSync(whole, { level: 1 });
    const { seconds, damage } = await readAll(write(packed.subarray(0, packed.length - 200)));
    assert.ok(seconds.length > COUNT / 2);
    assert.deepEqual(seconds, numbers.slice(0, seconds.length));
    assert.match(damage?.what ?? '', /its gzip data is damaged \(unexpected end of file\)/);
    assert.equal(damage?.offset, 24 + seconds.length * 56, 'of what is inside');
  });

  test('PcapFileSource says of a compressed file that ends within its first octets where it ends', async () => {
    const { seconds, damage } = await readAll(write(zlib.gzipSync(whole).subarray(0, 12)));
    assert.deepEqual([seconds, damage?.offset], [[], 0]);
    assert.match(damage?.what ?? '', /gzip data is damaged/);
  });

  test('PcapFileSource refuses a compressed file of something else', async () => {
    const path = write(zlib.gzipSync('this is certainly no capture file'));
    await assert.rejects(readAll(path), (error) => error instanceof UserError && error.code === 'not-pcap');
    await assert.rejects(readAll(write(zlib.gzipSync(zlib.gzipSync(whole)))), UserError, 'packed twice');
  });

  test('PcapFileSource gives up on a bomb, within bounded memory', async () => {
    const member = zlib.gzipSync(Buffer.concat([whole, Buffer.alloc(64 << 20)])); // records without octets
    const zeros = zlib.gzipSync(Buffer.alloc(64 << 20));
    const path = write(Buffer.concat([member, ...new Array<Buffer>(40).fill(zeros)]));
    const source = new PcapFileSource({ path });
    const batch = createPacketBatch(4096, FILE_BATCH_BYTES);
    let most = 0;
    for (let count = 0; count >= 0; count = source.read(batch, 0)) {
      most = Math.max(most, process.memoryUsage().arrayBuffers);
      if (count === 0) await source.more();
    }
    source.close();
    assert.match(source.damage?.what ?? '', /more than 250 times its size/);
    assert.ok(most < 150e6, `${most} octets`);
  });
});
