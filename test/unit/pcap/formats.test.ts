import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UserError } from '../../../src/core/errors.ts';
import { compressionOf, isCapture, notCapture, walkerFor } from '../../../src/pcap/formats.ts';
import { PcapWalker } from '../../../src/pcap/pcap.ts';
import { PcapngWalker } from '../../../src/pcap/pcapng.ts';
import { pcapFile } from '../../support/packets.ts';
import { pcapng, section } from '../../support/pcapng-file.ts';

describe('formats', () => {
  test('walkerFor() finds the walker of a format and where it begins', () => {
    const classic = walkerFor(pcapFile([]), 'x');
    assert.ok(classic.walker instanceof PcapWalker);
    assert.equal(classic.from, 24);
    for (const order of ['little', 'big'] as const) {
      const next = walkerFor(pcapng(section({ order })).subarray(0, 24), 'x');
      assert.ok(next.walker instanceof PcapngWalker);
      assert.equal(next.from, 0);
    }
    assert.throws(() => walkerFor(new Uint8Array(24), 'x'), UserError);
  });

  test('compressionOf() knows gzip, zstd and lz4', () => {
    assert.equal(compressionOf(Uint8Array.of(0x1f, 0x8b, 8, 0)), 'gzip');
    assert.equal(compressionOf(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)), 'zstd');
    assert.equal(compressionOf(Uint8Array.of(4, 0x22, 0x4d, 0x18)), 'lz4');
    assert.equal(compressionOf(Uint8Array.of(4, 0x22)), undefined);
  });

  for (const [name, octets, message, hint] of [
    ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a], /xz/, /xz -dc FILE \| pcapid read -/],
    ['an empty file', [], /is empty/, /24 octets/],
    ['text', [0x68, 0x65, 0x6c, 0x6c, 0x6f], /is not a capture file/, /editcap/],
    ['snoop', [0x73, 0x6e, 0x6f, 0x6f, 0x70, 0, 0, 0], /snoop/, /editcap/],
  ] as const) {
    test(`notCapture() says what to do about ${name}`, () => {
      const bytes = Uint8Array.from(octets);
      assert.equal(isCapture(bytes), false);
      const error = notCapture(bytes, 'x.pcap');
      assert.match(error.message, /^x\.pcap /);
      assert.match(error.message, message);
      assert.match(error.hint, hint);
    });
  }
});
