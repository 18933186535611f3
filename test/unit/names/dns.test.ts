import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readDns, readDnsStream } from '../../../src/names/dns.ts';
import { type DnsRecord, dnsMessage, domainName } from '../../support/named-packets.ts';
import { saidBy } from '../../support/read-names.ts';

const a = (name: DnsRecord['name'], ...data: number[]): DnsRecord => ({ name, type: 1, data });
const cname = (name: DnsRecord['name'], target: string): DnsRecord => ({ name, type: 5, data: domainName(target) });
const QUESTION = [0xc0, 12]; // a pointer to the name of the question
const said = (message: Uint8Array, source: 'dns' | 'mdns' | 'llmnr' = 'dns'): string[] =>
  saidBy((say) => readDns(message, source, say));

describe('readDns()', () => {
  test('readDns() names the addresses of both versions, in lower case', () => {
    const data = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    const answers = [a(QUESTION, 192, 0, 2, 7), { name: 'exAmple.COM', type: 28, data }];
    assert.deepEqual(said(dnsMessage({ question: 'eXample.com', answers })), [
      'dns 192.0.2.7 example.com',
      'dns 2001:db8::7 example.com',
    ]);
  });

  test('readDns() gives what is behind aliases the name that was asked for', () => {
    const answers = [
      cname(QUESTION, 'www.cdn.example'),
      cname('www.cdn.example', 'edge.cdn.example'),
      a('edge.cdn.example', 192, 0, 2, 1),
      a('other.example', 192, 0, 2, 2),
    ];
    assert.deepEqual(said(dnsMessage({ question: 'www.shop.example', answers })), [
      'dns 192.0.2.1 www.shop.example',
      'dns 192.0.2.2 other.example',
    ]);
  });

  test('readDns() is content with aliases in a circle and with more of them than anyone has', () => {
    const circle = [cname(QUESTION, 'b.example'), cname('b.example', 'a.example'), a('b.example', 192, 0, 2, 1)];
    assert.deepEqual(said(dnsMessage({ question: 'a.example', answers: circle })), ['dns 192.0.2.1 a.example']);
    const chain = Array.from({ length: 40 }, (_, n) => cname(`n${n}.example`, `n${n + 1}.example`));
    const answers = [...chain, a('n40.example', 192, 0, 2, 1)];
    assert.deepEqual(said(dnsMessage({ question: 'n0.example', answers })), ['dns 192.0.2.1 n40.example']);
  });

  test('readDns() follows compression, and no pointer that leads forward or to itself', () => {
    const suffix = [3, 0x66, 0x74, 0x70, ...QUESTION]; // ftp. and the question
    assert.deepEqual(said(dnsMessage({ question: 'example', answers: [a(suffix, 192, 0, 2, 1)] })), [
      'dns 192.0.2.1 ftp.example',
    ]);
    const start = 12 + domainName('example').length + 4;
    for (const target of [start, start + 2, start + 200, 0x3fff]) {
      const pointer = [0xc0 | (target >> 8), target & 255];
      const answers = [a(pointer, 192, 0, 2, 1), a(QUESTION, 192, 0, 2, 2)];
      assert.deepEqual(said(dnsMessage({ question: 'example', answers })), ['dns 192.0.2.2 example'], `to ${target}`);
    }
    const loop = dnsMessage({ question: [1, 0x61, 0xc0, 12], answers: [a('x.example', 192, 0, 2, 1)] });
    assert.deepEqual(said(loop), ['dns 192.0.2.1 x.example']);
  });

  test('readDns() leaves questions, other operations, other classes and other records alone', () => {
    const answers = [a(QUESTION, 192, 0, 2, 1)];
    for (const flags of [0x0100, 0x8980, 0xa800])
      assert.deepEqual(said(dnsMessage({ flags, question: 'a.example', answers })), []);
    const others: DnsRecord[] = [
      { name: QUESTION, type: 1, class: 3, data: [192, 0, 2, 1] },
      { name: QUESTION, type: 1, data: [192, 0, 2] },
      { name: QUESTION, type: 28, data: [192, 0, 2, 1] },
      { name: QUESTION, type: 16, data: [3, 97, 98, 99] },
      { name: QUESTION, type: 12, data: domainName('b.example') },
    ];
    assert.deepEqual(said(dnsMessage({ question: 'a.example', answers: others })), []);
  });

  test('readDns() does not name this host after what a block list answers', () => {
    const answers = [
      a(QUESTION, 0, 0, 0, 0),
      a(QUESTION, 127, 0, 0, 1),
      { name: QUESTION, type: 28, data: new Array(16).fill(0) },
    ];
    assert.deepEqual(said(dnsMessage({ question: 'ads.example', answers })), []);
  });

  test('readDns() reads unasked multicast answers and their additional records, with the cache bit', () => {
    const answers = [{ ...a('Printer.local', 192, 0, 2, 9), class: 0x8001 }];
    const additional = [{ ...a('camera.local', 192, 0, 2, 10), class: 0x8001 }];
    const message = dnsMessage({ flags: 0x8400, answers, additional });
    assert.deepEqual(said(message, 'mdns'), ['mdns 192.0.2.9 printer.local', 'mdns 192.0.2.10 camera.local']);
    assert.deepEqual(said(message), ['dns 192.0.2.9 printer.local'], 'glue of ordinary answers is not read');
  });

  test('readDns() makes hostile labels harmless', () => {
    const name = [4, 0x61, 0x2e, 0x5c, 0xff, 2, 0x0a, 0x62, 0];
    assert.deepEqual(said(dnsMessage({ question: 'q', answers: [a(name, 192, 0, 2, 1)] })), [
      'dns 192.0.2.1 a\\.\\\\\\xff.\nb',
    ]);
    const long = [...new Array<number[]>(5).fill([63, ...new Array<number>(63).fill(97)]).flat(), 0];
    assert.deepEqual(said(dnsMessage({ question: 'q', answers: [a(long, 192, 0, 2, 1)] })), []);
  });

  test('readDns() says of a message that is cut what is whole', () => {
    const answers = [a(QUESTION, 192, 0, 2, 1), a(QUESTION, 192, 0, 2, 2)];
    const message = dnsMessage({ question: 'a.example', answers });
    for (let length = 0; length < message.length; length++) {
      const expected = length < message.length - 16 ? [] : ['dns 192.0.2.1 a.example'];
      assert.deepEqual(said(message.subarray(0, length)), expected, `${length} octets`);
    }
  });

  test('readDns() reads no more records than a message of people has', () => {
    const answers = Array.from({ length: 5000 }, () => a(QUESTION, 192, 0, 2, 1));
    assert.equal(said(dnsMessage({ question: 'a', answers })).length, 256);
  });
});

describe('readDnsStream()', () => {
  const message = dnsMessage({ question: 'a.example', answers: [a(QUESTION, 192, 0, 2, 1)] });
  const framed = Uint8Array.from([0, message.length, ...message]);

  test('readDnsStream() asks for more until the first message is whole, and reads all that are', () => {
    for (let length = 0; length <= framed.length; length++) {
      let more = false;
      const names = saidBy((say) => {
        more = readDnsStream(framed.subarray(0, length), say);
      });
      assert.deepEqual([names.length, more], length < framed.length ? [0, true] : [1, false], `${length} octets`);
    }
    const three = Uint8Array.from([...framed, ...framed, ...framed.subarray(0, 9)]);
    assert.equal(saidBy((say) => readDnsStream(three, say)).length, 2);
  });

  test('readDnsStream() wants no more of what is no answer', () => {
    for (const bytes of [
      [0, 5, 0, 0, 0x80],
      [0, 50, 1, 2, 0x01, 0],
      [0xff, 0xff, 1, 2, 0x28],
    ])
      assert.equal(readDnsStream(Uint8Array.from(bytes), { address() {}, flow() {} }), false);
  });
});
