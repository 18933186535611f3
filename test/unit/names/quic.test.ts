import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isQuicStart, readQuic } from '../../../src/names/quic.ts';
import { openInitial, QUIC_VERSIONS } from '../../../src/names/quic-keys.ts';
import { CONNECTION, cryptoFrame, octetsOf, sealInitial } from '../../support/named-packets.ts';

/** RFC 9001 appendix A.2 and RFC 9369 appendix A.2: a CRYPTO frame, padding, packet number 2. */
const EXAMPLE_FRAMES = octetsOf(
  [
    '060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868',
    '04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578',
    '616d706c652e636f6dff01000100000a00080006001d00170018001000070005',
    '04616c706e000500050100000000003300260024001d00209370b2c9caa47fba',
    'baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400',
    '0d0010000e0403050306030203080408050806002d00020101001c0002400100',
    '3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000',
    '75300901100f088394c8f03e51570806048000ffff',
  ].join(''),
);
const NUMBER_AT = 18;

describe('openInitial()', () => {
  for (const [version, word, start, tag] of [
    [1, 1, 'c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11', 'e221af44860018ab0856972e194cd934'],
    [2, 0x6b3343cf, 'd76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485', undefined],
  ] as const) {
    const packet = sealInitial(EXAMPLE_FRAMES, { version });
    const text = Buffer.from(packet).toString('hex');

    test(`openInitial() opens the packet of version ${version} that its RFC has as an example`, () => {
      assert.equal(text.slice(0, 64), start);
      if (tag !== undefined) assert.equal(text.slice(-32), tag);
      const frames = openInitial(QUIC_VERSIONS.get(word)!, packet, CONNECTION, NUMBER_AT);
      assert.deepEqual(frames?.subarray(0, EXAMPLE_FRAMES.length), Buffer.from(EXAMPLE_FRAMES));
    });

    test(`openInitial() refuses a packet of version ${version} of which any octet is another`, () => {
      for (let at = 0; at < packet.length; at += 7) {
        const changed = packet.slice();
        changed[at]! ^= 0x01;
        const opened = openInitial(QUIC_VERSIONS.get(word)!, changed, CONNECTION, NUMBER_AT);
        assert.equal(opened, undefined, `octet ${at}`);
      }
    });
  }

  test('openInitial() refuses packets that are too short for what they must hold', () => {
    const packet = sealInitial(EXAMPLE_FRAMES);
    for (let length = 0; length < NUMBER_AT + 40; length++)
      assert.equal(openInitial(QUIC_VERSIONS.get(1)!, packet.subarray(0, length), CONNECTION, NUMBER_AT), undefined);
  });
});

describe('readQuic()', () => {
  const partsOf = (datagram: Uint8Array): [number, string][] => {
    const parts: [number, string][] = [];
    readQuic(datagram, (_, offset, data) => parts.push([offset, Buffer.from(data).toString()]));
    return parts;
  };

  test('readQuic() hands on all parts, wherever padding, pings and acknowledgments stand', () => {
    const ack = [2, 5, 0, 1, 0, 1, 2];
    const ecn = [3, 5, 0, 0, 0, 1, 1, 1];
    const frames = [
      0,
      1,
      ...ack,
      ...cryptoFrame(300, Buffer.from('world')),
      ...ecn,
      0,
      ...cryptoFrame(0, Buffer.from('hello')),
    ];
    assert.deepEqual(partsOf(sealInitial(frames)), [
      [300, 'world'],
      [0, 'hello'],
    ]);
  });

  test('readQuic() reads packets that share a datagram, and stops at what is no Initial', () => {
    const one = sealInitial(cryptoFrame(0, Buffer.from('a')), { number: 0 });
    const two = sealInitial(cryptoFrame(1, Buffer.from('b')), { number: 1 });
    assert.deepEqual(partsOf(Uint8Array.from([...one, ...two, 0x40, 1, 2, 3])), [
      [0, 'a'],
      [1, 'b'],
    ]);
    assert.deepEqual(partsOf(Uint8Array.from([0x40, ...one])), []);
  });

  test('readQuic() says nothing of frames that are cut or of other kinds', () => {
    for (const frames of [
      [0x1c, 0, 0, 0],
      [2, 5, 0, 0x80, 0xff, 0xff, 0xff],
      [6, 0, 0xbf, 0xff, 0xff, 0xff],
    ])
      assert.deepEqual(partsOf(sealInitial(frames)), []);
  });

  test('readQuic() is not shaken by lengths that cannot be', () => {
    const packet = sealInitial(EXAMPLE_FRAMES);
    for (const at of [5, 14, 15, 16])
      for (const value of [0x14, 0x15, 0x3f, 0xff]) {
        const changed = packet.slice();
        changed[at] = value;
        assert.deepEqual(partsOf(changed), [], `octet ${at} ${value}`);
      }
    for (let length = 0; length < packet.length; length += 11)
      assert.deepEqual(partsOf(packet.subarray(0, length)), []);
  });
});

describe('isQuicStart()', () => {
  test('isQuicStart() knows the first packets of both versions and nothing else', () => {
    const says = (bytes: Uint8Array): boolean => isQuicStart(new DataView(bytes.buffer), 0, bytes.length);
    for (const version of [1, 2] as const) assert.ok(says(sealInitial([], { version })));
    const packet = sealInitial([]);
    assert.ok(!says(packet.slice(0, 1199)));
    for (const [at, value] of [
      [0, 0x40], // short header
      [0, 0xe0], // handshake
      [4, 9], // version
    ] as const) {
      const changed = packet.slice();
      changed[at] = value;
      assert.ok(!says(changed));
    }
  });
});
