import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ascii,
  clientHello,
  cryptoFrame,
  dnsMessage,
  octetsOf,
  sealInitial,
  tcpWith,
  udpWith,
} from '../../support/named-packets.ts';
import {
  ethernet,
  fragment6,
  ipv4,
  ipv6,
  TcpFlag,
  type TestPacket,
  type Transport,
  tcp,
  udp,
} from '../../support/packets.ts';
import { readFacts, readNames } from '../../support/read-names.ts';
import { tsharkNames } from '../../support/tshark-names.ts';
import { tsharkMissing } from '../../support/tshark-pairs.ts';

const HERE = { src: '10.0.0.1', dst: '192.0.2.80' };
const BACK = { src: HERE.dst, dst: HERE.src };
const packet = (inner: Transport, ends = HERE): TestPacket => ({ bytes: ethernet(ipv4(ends, inner)) });
const segment = (payload: Iterable<number>, seq = 1, port = 443, flags: number = TcpFlag.Ack): TestPacket =>
  packet(tcpWith({ src: 40_000, dst: port, seq, flags }, payload));

const answer = dnsMessage({
  question: 'a.example',
  answers: [{ name: [0xc0, 12], type: 1, data: [192, 0, 2, 80] }],
});
const framed = Uint8Array.from([0, answer.length, ...answer]);
const request = ascii('GET / HTTP/1.1\r\nUser-Agent: x\r\nHost: web.example\r\n\r\n');
const SNI = 'sni 6 10.0.0.1:40000 192.0.2.80:443 is tls.example';
const QUIC = 'quic 17 10.0.0.1:40000 192.0.2.80:443 is quic.example';
const WEB = 'http 6 10.0.0.1:40000 192.0.2.80:80 is web.example';

/** The handshake message without the header of its record, as QUIC carries it. */
const quicHello = async (name: string): Promise<Uint8Array> => (await clientHello(name)).subarray(5);
const initial = (frames: number[], sealing: Parameters<typeof sealInitial>[1] = {}): TestPacket =>
  packet(udpWith(40_000, 443, sealInitial(frames, sealing)));

describe('NameReader', () => {
  test('NameReader says each kind of name once, with its source', async () => {
    const hello = await quicHello('quic.example');
    const packets = [
      packet(udpWith(53, 5000, answer), BACK),
      packet(udpWith(5353, 5353, dnsMessage({ answers: [{ name: 'tv.local', type: 1, data: [10, 0, 0, 9] }] }))),
      packet(udpWith(5355, 5000, answer), BACK),
      packet(tcpWith({ src: 53, dst: 5000 }, framed), BACK),
      segment(await clientHello('tls.example')),
      segment(request, 1, 80),
      initial(cryptoFrame(0, hello)),
      initial(cryptoFrame(0, hello), { version: 2 }),
    ];
    const ADDRESS = '192.0.2.80 is a.example';
    const expected = [
      `dns ${ADDRESS}`,
      'mdns 10.0.0.9 is tv.local',
      `llmnr ${ADDRESS}`,
      `dns ${ADDRESS}`,
      SNI,
      WEB,
      QUIC,
      QUIC,
    ];
    assert.deepEqual(readNames(packets), expected);
    assert.deepEqual(readFacts(packets, 1).length, expected.length, 'in batches of one');
  });

  test('NameReader and tshark find the same names', { skip: tsharkMissing() }, async () => {
    const [hello, quic] = await Promise.all([clientHello('tls.example'), quicHello('quic.example')]);
    const v6 = { src: '2001:db8::1', dst: '2001:db8::53' };
    const aaaa = dnsMessage({
      question: 'six.example',
      answers: [
        { name: [0xc0, 12], type: 5, data: [3, 0x63, 0x64, 0x6e, 0xc0, 16] },
        { name: [3, 0x63, 0x64, 0x6e, 0xc0, 16], type: 28, data: octetsOf('20010db8000000000000000000000007') },
      ],
    });
    const packets = [
      packet(udpWith(53, 5000, answer), BACK),
      { bytes: ethernet(ipv6({ src: v6.dst, dst: v6.src }, udpWith(53, 5000, aaaa))) },
      packet(tcpWith({ src: 53, dst: 5000, seq: 1 }, framed), BACK),
      segment(request, 1, 80),
      segment(hello.subarray(0, 100)),
      segment(hello.subarray(100), 101),
      initial([...cryptoFrame(90, quic.subarray(90)), ...cryptoFrame(0, quic.subarray(0, 90))]),
    ].map((each, i) => ({ ...each, timeUs: i * 1000 }));
    assert.deepEqual(readNames(packets), [
      'dns 192.0.2.80 is a.example',
      'dns 2001:db8::7 is six.example',
      'dns 192.0.2.80 is a.example',
      WEB,
      SNI,
      QUIC,
    ]);
    assert.deepEqual(await tsharkNames(packets), [
      'dns a.example',
      'dns six.example',
      'dns a.example',
      'http web.example',
      'sni tls.example',
      'quic quic.example',
    ]);
  });

  test('NameReader joins a ClientHello that is cut anywhere in two, also across batches', async () => {
    const hello = await clientHello('tls.example');
    for (let cut = 4; cut < hello.length; cut += 3) {
      const packets = [segment(hello.subarray(0, cut)), segment(hello.subarray(cut), 1 + cut)];
      for (const size of [1, 2]) assert.equal(readFacts(packets, size).length, 1, `cut at ${cut}, batches of ${size}`);
    }
  });

  test('NameReader joins segments that come late, twice, overlapping, and around the end of sequence numbers', async () => {
    const hello = await clientHello('tls.example');
    const start = 0xffffff80;
    const part = (from: number, to: number): TestPacket => segment(hello.subarray(from, to), (start + from) >>> 0);
    const end = hello.length;
    const packets = [part(0, 50), part(90, end), part(0, 50), part(40, 80), part(60, 95)];
    assert.deepEqual(readNames(packets), [SNI]);
    const opening = segment(hello, start - 1, 443, TcpFlag.Syn);
    assert.deepEqual(readNames([opening]), [SNI], 'in a SYN');
  });

  test('NameReader joins requests, and answers whose length comes alone', () => {
    const requests = [segment(request.subarray(0, 30), 1, 80), segment(request.subarray(30), 31, 80)];
    const answers = [framed.subarray(0, 2), framed.subarray(2, 20), framed.subarray(20)];
    let seq = 1;
    const segments = answers.map((part) => {
      seq += part.length;
      return packet(tcpWith({ src: 53, dst: 5000, seq: seq - part.length }, part), BACK);
    });
    assert.deepEqual(readNames([...requests, ...segments]), [WEB, 'dns 192.0.2.80 is a.example']);
  });

  test('NameReader joins a ClientHello over several QUIC packets in any order, but not of two connections', async () => {
    const hello = await quicHello('quic.example');
    const [first, second] = [cryptoFrame(0, hello.subarray(0, 70)), cryptoFrame(70, hello.subarray(70))];
    assert.deepEqual(readNames([initial(second, { number: 1 }), initial(first, { number: 0 })]), [QUIC]);
    const other = octetsOf('0102030405060708');
    assert.deepEqual(readNames([initial(first), initial(second, { connection: other })]), []);
  });

  test('NameReader keeps streams of several flows apart', async () => {
    const names = ['a.example', 'b.example', 'c.example'];
    const hellos = await Promise.all(names.map((name) => clientHello(name)));
    const part = (n: number, from: number, to?: number): TestPacket =>
      packet(tcpWith({ src: 40_000 + n, dst: 443, seq: 1 + from }, hellos[n]!.subarray(from, to)));
    const packets = [...[0, 1, 2].map((n) => part(n, 0, 90)), ...[2, 0, 1].map((n) => part(n, 90))];
    assert.deepEqual(
      readNames(packets).map((text) => text.split(' is ')[1]),
      ['c.example', 'a.example', 'b.example'],
    );
  });

  test('NameReader takes the time of the packet that ends the name, less the offset', async () => {
    const hello = await clientHello('tls.example');
    const packets = [
      { ...segment(hello.subarray(0, 100)), timeUs: 5_000_001 },
      { ...segment(hello.subarray(100), 101), timeUs: 5_000_007 },
    ];
    assert.deepEqual(
      readFacts(packets, 2, 1_000_000).map(({ timeUs }) => timeUs),
      [4_000_007],
    );
    const late = [packets[0]!, { ...packets[1]!, timeUs: 90e6 }];
    assert.deepEqual(readNames(late), [], 'what is half said is forgotten');
  });

  test('NameReader finds nothing in packets that are cut, in fragments and in what only begins so', async () => {
    const hello = await clientHello('tls.example');
    const whole = segment(hello).bytes;
    const cut = { bytes: whole.subarray(0, 100), origLen: whole.length };
    const fragments = fragment6({ id: 1, offset: 800, more: false }, udpWith(53, 5000, answer));
    const nothing = [
      cut,
      { bytes: ethernet(ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }, fragments)) },
      segment([22, 3, 9]),
      segment(ascii('GET')),
      segment(ascii('POSTPONED TO NEXT WEEK\r\n')),
      packet(tcp({ src: 53, dst: 5000 }), BACK),
      packet(udp({ src: 53, dst: 5000 }), BACK),
      packet(udp({ src: 40_000, dst: 443, payload: 1300 })),
      initial(cryptoFrame(0, hello)), // a record's header, which QUIC has not
      packet(udpWith(443, 40_000, sealInitial(cryptoFrame(0, hello.subarray(5)))), BACK),
    ];
    assert.deepEqual(readNames(nothing), []);
  });

  test('NameReader serves new streams in a flood of half ones', async () => {
    const hello = await clientHello('tls.example');
    const half = (n: number): TestPacket => packet(tcpWith({ src: n, dst: 443, seq: 1 }, hello.subarray(0, 90)));
    const flood = Array.from({ length: 5_000 }, (_, n) => half(n));
    const last = [segment(hello.subarray(0, 90)), segment(hello.subarray(90), 91)];
    assert.deepEqual(readNames([...flood, ...last]), [SNI]);
  });

  test('NameReader opens only so many QUIC packets a second', async () => {
    const one = initial(cryptoFrame(0, await quicHello('quic.example')));
    assert.equal(readNames(new Array<TestPacket>(2005).fill(one)).length, 2000);
    const spread = Array.from({ length: 2005 }, (_, n) => ({ ...one, timeUs: n * 1000 }));
    assert.equal(readNames(spread).length, 2005);
  });
});
