import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTlsStart, readTls } from '../../../src/names/tls.ts';
import { ascii, clientHello } from '../../support/named-packets.ts';
import { saidBy } from '../../support/read-names.ts';

const said = (stream: Uint8Array): { names: string[]; more: boolean } => {
  let more = false;
  const names = saidBy((say) => {
    more = readTls(stream, say);
  });
  return { names, more };
};
const RECORD = 5; // octets of a record's header

describe('readTls()', () => {
  for (const options of [{}, { maxVersion: 'TLSv1.2' }, { ALPNProtocols: ['h2', 'http/1.1'] }])
    test(`readTls() finds the name in what OpenSSL sends with ${JSON.stringify(options)}`, async () => {
      const hello = await clientHello('Www.Example.COM', options);
      assert.ok(isTlsStart(hello[0]!, hello[1]!));
      assert.deepEqual(said(hello), { names: ['sni www.example.com'], more: false });
    });

  test('readTls() asks for more until the name is there', async () => {
    const hello = await clientHello('example.com');
    const nameEnd = Buffer.from(hello).indexOf('example.com') + 'example.com'.length;
    for (let length = 0; length <= hello.length; length++) {
      const expected = length < nameEnd ? { names: [], more: true } : { names: ['sni example.com'], more: false };
      assert.deepEqual(said(hello.subarray(0, length)), expected, `${length} octets`);
    }
  });

  test('readTls() reads a message that is spread over several records', async () => {
    const hello = await clientHello('example.com');
    const message = [...hello.subarray(RECORD)];
    const records: number[] = [];
    while (message.length > 0) {
      const part = message.splice(0, 50);
      records.push(22, 3, 1, 0, part.length, ...part);
    }
    assert.deepEqual(said(Uint8Array.from(records)), { names: ['sni example.com'], more: false });
  });

  test('readTls() says nothing of a client that names nobody, or an address', async () => {
    const [none, address] = await Promise.all([clientHello(''), clientHello('example.com')]);
    assert.deepEqual(said(none), { names: [], more: false });
    address.set(ascii('192.0.2.111'), Buffer.from(address).indexOf('example.com'));
    assert.deepEqual(said(address), { names: [], more: false });
  });

  test('readTls() wants no more of what is no ClientHello', () => {
    for (const bytes of [
      [22, 3, 3, 0, 4, 2, 0, 0, 80], // ServerHello
      [22, 3, 1, 0, 0], // an empty record
      [22, 3, 1, 0xff, 0xff, 1, 0, 0, 80], // longer than any record
      [22, 3, 1, 0, 4, 1, 0, 0, 80, 23, 3, 3, 0, 9], // application data amid the handshake
    ])
      assert.deepEqual(said(Uint8Array.from(bytes)), { names: [], more: false });
  });

  test('readTls() says nothing wrong when a length inside is a lie', async () => {
    const hello = await clientHello('example.com');
    const at = Buffer.from(hello).indexOf('example.com');
    for (let octet = RECORD; octet < at; octet++)
      for (const value of [0, 0x7f, 0xff]) {
        const changed = hello.slice();
        changed[octet] = value;
        const { names } = said(changed);
        assert.ok(names.length <= 1);
      }
  });
});
