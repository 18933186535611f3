import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isHttpStart, readHttp } from '../../../src/names/http.ts';
import { ascii } from '../../support/named-packets.ts';
import { saidBy } from '../../support/read-names.ts';

const said = (text: string): { names: string[]; more: boolean } => {
  let more = false;
  const names = saidBy((say) => {
    more = readHttp(ascii(text), say);
  });
  return { names, more };
};
const NOTHING = { names: [], more: false };

describe('readHttp()', () => {
  for (const [name, header] of [
    ['a host', 'Host: example.com'],
    ['a host with port', 'Host: Example.com:8080'],
    ['a host in odd letters and spaces', 'hOST:\t example.com  '],
    ['a host behind other headers', 'Accept: */*\r\nX-Host: a.example\r\nHost:example.com'],
  ] as const)
    test(`readHttp() reads ${name}`, () => {
      const expected = { names: ['http example.com'], more: false };
      assert.deepEqual(said(`GET / HTTP/1.1\r\n${header}\r\n\r\n`), expected);
      assert.deepEqual(said(`GET / HTTP/1.1\n${header.replaceAll('\r', '')}\n\n`), expected);
    });

  test('readHttp() asks for more until the line of the host is whole', () => {
    const text = 'POST /a HTTP/1.1\r\nHost: example.com\r\n';
    for (let length = 0; length < text.length; length++)
      assert.deepEqual(said(text.slice(0, length)), { names: [], more: true }, `${length} octets`);
    assert.deepEqual(said(text).names, ['http example.com']);
  });

  test('readHttp() wants no more of a request without a host, or of something else', () => {
    assert.deepEqual(said('GET / HTTP/1.0\r\nAccept: */*\r\n\r\nHost: example.com\r\n'), NOTHING);
    for (const line of ['GET into it', 'GET / HTTP/2.0', 'HTTP/1.1', ''])
      assert.deepEqual(said(`${line}\r\n`), NOTHING);
    for (const host of ['', '192.0.2.1', '192.0.2.1:80', '[2001:db8::1]:80', 'x'.repeat(256)])
      assert.deepEqual(
        said(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`).names.filter((name) => name !== 'http ['),
        [],
      );
  });
});

describe('isHttpStart()', () => {
  test('isHttpStart() knows the methods and nothing else', () => {
    const says = (text: string): boolean => isHttpStart(Buffer.from(text).readInt32BE());
    for (const start of ['GET /', 'HEAD', 'POST', 'PUT /', 'DELETE', 'CONNECT', 'OPTIONS', 'PATCH'])
      assert.ok(says(start));
    for (const start of ['GETS', 'get /', 'HTTP', 'SSH-']) assert.ok(!says(start));
  });
});
