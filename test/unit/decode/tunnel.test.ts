import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DecodeStatus } from '../../../src/core/decoded.ts';
import { Decoder } from '../../../src/decode/decode-batch.ts';
import { decodeAll, decodeOne } from '../../support/decode-one.ts';
import { ethernet, ipv4, ipv6, type Network, type TestPacket, tcp, udp } from '../../support/packets.ts';
import { tsharkMissing } from '../../support/tshark-pairs.ts';
import { type TsharkTuple, tsharkTuples } from '../../support/tshark-tuples.ts';
import { TEREDO_SAMPLES, TUNNEL_SAMPLES, type TunnelSample } from '../../support/tunnels.ts';

const v4 = ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, tcp({ src: 1000, dst: 2000, payload: 10 }));
const v6 = ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }, udp({ src: 1000, dst: 2000, payload: 20 }));
const V4 = '6 192.0.2.1:1000 192.0.2.2:2000';
const V6 = '17 2001:db8::1:1000 2001:db8::2:2000';
const CASES: readonly (readonly [TunnelSample, Network])[] = [
  ...[v4, v6].flatMap((inner) => TUNNEL_SAMPLES.map((sample) => [sample, inner] as const)),
  ...TEREDO_SAMPLES.map((sample) => [sample, v6] as const),
];

const innermost = (packet: TestPacket) => decodeAll([packet], new Decoder({ decap: true }))[0]!;

describe('decapsulate()', () => {
  for (const { name, outer, around } of [...TUNNEL_SAMPLES, ...TEREDO_SAMPLES]) {
    test(`decapsulate() finds the packet inside ${name}, and only when it is asked to`, () => {
      const bytes = ethernet(around(v6));
      const { tuple, out } = innermost({ bytes });
      assert.deepEqual([tuple, out.ipBytes[0]], [V6, v6.bytes.length]);
      assert.equal(decodeOne({ bytes }).tuple, outer.replace('P', '41'));
    });
  }

  for (const which of ['outermost', 'innermost'] as const) {
    test(`decapsulate() and tshark see the same ${which} tuples and lengths`, { skip: tsharkMissing() }, () => {
      const packets = CASES.map(([{ around }, inner]): TestPacket => ({ bytes: ethernet(around(inner)) }));
      const theirs = tsharkTuples(packets, which, ['-d', 'udp.port==8472,vxlan', '-o', 'capwap.swap_fc:FALSE']);
      const ours = packets.map((packet) => {
        const { tuple, out } = which === 'innermost' ? innermost(packet) : decodeOne(packet);
        return { tuple, ipBytes: out.ipBytes[0]! };
      });
      assert.deepEqual(named(ours), named(theirs));
    });
  }

  test('decapsulate() keeps the outer packet when the inner one is cut before its addresses', () => {
    for (const { name, outer, around } of [...TUNNEL_SAMPLES, ...TEREDO_SAMPLES]) {
      const bytes = ethernet(around(v6));
      const { tuple, status } = innermost({ bytes: bytes.subarray(0, bytes.length - 29), origLen: bytes.length });
      assert.deepEqual([status, tuple], [DecodeStatus.Ok, outer.replace('P', '41')], name);
    }
  });

  test('decapsulate() follows tunnels in tunnels, but not without end', () => {
    const nest = (depth: number): Network => {
      let network = v4;
      for (let d = 0; d < depth; d++) network = TUNNEL_SAMPLES[d % TUNNEL_SAMPLES.length]!.around(network);
      return network;
    };
    assert.equal(innermost({ bytes: ethernet(nest(8)) }).tuple, V4);
    assert.notEqual(innermost({ bytes: ethernet(nest(9)) }).tuple, V4);
    assert.equal(innermost({ bytes: ethernet(nest(60)) }).status, DecodeStatus.Ok);
  });

  test('decapsulate() takes what another program says on the port of a tunnel for what it is', () => {
    const said = (port: number, ...bytes: number[]): string => {
      const payload = [...bytes, ...new Array<number>(60).fill(0x2e)];
      const datagram = { protocol: 17, bytes: [...udp({ src: 60_000, dst: port }).bytes, ...payload] };
      return innermost({ bytes: ethernet(ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }, datagram)) }).tuple;
    };
    for (const port of [1701, 2152, 3544, 4341, 4789, 4790, 5247, 6081, 6635, 8472])
      assert.equal(said(port), `17 10.0.0.1:60000 10.0.0.2:${port}`);
  });

  test('decapsulate() counts no more octets than the outer packet has', () => {
    const long = ipv4({ src: '192.0.2.1', dst: '192.0.2.2', totalLength: 9000 }, tcp({ src: 1000, dst: 2000 }));
    const bytes = [...ethernet(TUNNEL_SAMPLES[0]!.around(long)), ...new Array<number>(30).fill(0)];
    const { out, tuple } = innermost({ bytes: Uint8Array.from(bytes), origLen: 20_000 });
    assert.deepEqual([tuple, out.ipBytes[0]], [V4, 40]);
  });
});

function named(all: readonly Pick<TsharkTuple, 'tuple' | 'ipBytes'>[]): string[] {
  return all.map(({ tuple, ipBytes }, i) => `${CASES[i]![0].name}: ${tuple}, ${ipBytes} octets`);
}
