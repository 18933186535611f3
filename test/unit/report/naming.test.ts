import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '../../../src/report/columns.ts';
import { type Naming, NUMERIC, namedEnd } from '../../../src/report/naming.ts';
import { HOSTILE_TEXTS } from '../../support/hostile.ts';

const NAMES: Naming = {
  hosts: true,
  service: (protocol, port) => (protocol === 'tcp' && port === 443 ? 'https' : undefined),
};
const end = (fields: Row, naming = NAMES, isService = true): string =>
  namedEnd(
    {
      protocol: 'tcp',
      dst_addr: '2001:db8::1',
      dst_port: 443,
      dst_name: 'a.example',
      dst_name_source: 'sni',
      ...fields,
    },
    'dst',
    isService,
    naming,
  );

test('namedEnd() writes the name and the service, and a question mark where only the address was called so', () => {
  assert.equal(end({}), 'a.example:https');
  assert.equal(end({ dst_name_source: 'address' }), 'a.example?:https');
  assert.equal(end({ dst_port: 444 }), 'a.example:444');
  assert.equal(end({ dst_port: null }), 'a.example');
  assert.equal(end({}, NAMES, false), 'a.example:443', 'a port that nobody asked for');
  assert.equal(end({ dst_name: null }), '[2001:db8::1]:https');
  assert.equal(end({}, NUMERIC), '[2001:db8::1]:443');
});

test('namedEnd() writes the address where a name could be taken for something else', () => {
  for (const dst_name of [
    '10.0.0.1',
    '::1',
    'a.example:22',
    'a b',
    'a.example curl[1]',
    '(kernel)',
    'x?',
    ...HOSTILE_TEXTS,
  ]) {
    const text = end({ dst_name });
    if (/^[\p{L}\p{M}\p{N}_.-]+$/u.test(dst_name) && dst_name !== '10.0.0.1') assert.equal(text, `${dst_name}:https`);
    else assert.equal(text, '[2001:db8::1]:https', dst_name);
  }
});
