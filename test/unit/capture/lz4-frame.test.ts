import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { Lz4Decoder } from '../../../src/capture/lz4-frame.ts';

const missing = spawnSync('lz4', ['--version']).status === 0 ? false : 'no lz4';

/** Octets with repetitions near and far, and without any. */
function mixture(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = i % 97 < 40 ? (i >> 10) & 255 : state >>> 24;
    if (i > 70_000 && i % 5000 < 2500) bytes[i] = bytes[i - 65_000]!;
  }
  return bytes;
}

function decode(octets: Uint8Array, piece: number): { out: Buffer; isComplete: boolean } {
  const decoder = new Lz4Decoder();
  const out: Uint8Array[] = [];
  for (let at = 0; at < octets.length; at += piece) {
    decoder.push(octets.subarray(at, at + piece), (block) => void out.push(block.slice()));
  }
  return { out: Buffer.concat(out), isComplete: decoder.isComplete };
}

const frame = (...block: readonly number[]): Uint8Array =>
  Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0, block.length, 0, 0, 0, ...block, 0, 0, 0, 0);

describe('Lz4Decoder', () => {
  for (const flags of ['-B4', '-B7', '-BD', '-9', '-B5 -BX', '--no-frame-crc', '--content-size']) {
    test(`Lz4Decoder reads what lz4 ${flags} writes, whatever the pieces`, { skip: missing }, () => {
      const plain = mixture(600_000);
      const packed = execFileSync('lz4', [...flags.split(' '), '-c'], { input: plain, maxBuffer: 1 << 24 });
      for (const piece of [1000, 16_384, packed.length]) {
        const { out, isComplete } = decode(packed, piece);
        assert.ok(out.equals(plain));
        assert.ok(isComplete);
      }
    });
  }

  test('Lz4Decoder reads frames that follow each other, and skips the data of others', { skip: missing }, () => {
    const [a, b] = [mixture(10), mixture(100_000)];
    const [first, second] = [a, b].map((input) => execFileSync('lz4', ['-c'], { input, maxBuffer: 1 << 24 }));
    const skippable = Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 7, 7, 7);
    const { out, isComplete } = decode(Buffer.concat([first!, skippable, second!]), 100);
    assert.ok(out.equals(Buffer.concat([a, b])));
    assert.ok(isComplete);
  });

  test('Lz4Decoder delivers whole blocks of a cut frame, and knows that it is not complete', { skip: missing }, () => {
    const plain = mixture(300_000);
    const packed = execFileSync('lz4', ['-B4', '-c'], { input: plain, maxBuffer: 1 << 24 });
    const { out, isComplete } = decode(packed.subarray(0, -100), 16_384);
    assert.ok(out.length >= 4 * 65_536 && out.equals(plain.subarray(0, out.length)));
    assert.equal(isComplete, false);
  });

  for (const [name, octets] of [
    ['no frame', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
    ['a frame of another version', Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0xa0, 0x40, 0, 0)],
    ['a frame with a dictionary', Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x61, 0x40, 0, 0)],
    [
      'a block longer than its frame allows',
      Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0, 0xff, 0xff, 0xff, 0x7f),
    ],
    ['a match before the beginning', frame(0x10, 65, 5, 0)],
    ['a match at distance 0', frame(0x10, 65, 0, 0)],
    ['literals beyond the block', frame(0xf0, 255, 1)],
    ['a match without distance', frame(0x10, 65, 1)],
  ] as const) {
    test(`Lz4Decoder refuses ${name}`, () => {
      assert.throws(() => decode(octets, 100), RangeError);
    });
  }

  test('Lz4Decoder stops where a block would become larger than its frame allows', () => {
    const endless = frame(0x1f, 65, 1, 0, ...new Array<number>(258).fill(255).slice(0, 200), 0);
    assert.equal(decode(endless, 1000).out.length, 1 + 4 + 15 + 200 * 255);
    const larger = new Uint8Array(20 + 400).fill(255);
    larger.set([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0, 0x90, 1, 0, 0, 0x1f, 65, 1, 0]);
    assert.throws(() => decode(larger, 1000), /damaged LZ4 block/);
  });
});
