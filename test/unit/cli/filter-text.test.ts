import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterText } from '../../../src/cli/filter-text.ts';
import { parseCidr, parseName, parseProtocol } from '../../../src/cli/filters.ts';

test('filterText() says a filter in words, without its range of time', () => {
  assert.equal(filterText({ sinceUs: 1, untilUs: 2 }), null);
  const [process, user, unit, container] = ['curl', 'alice', 'nginx', 'web'];
  assert.equal(
    filterText({ process, pid: 7, user, unit, container, port: 0, sinceUs: 1 }),
    'process curl, pid 7, user alice, unit nginx, container web, port 0',
  );
  assert.equal(filterText({ protocol: parseProtocol('udp') }), 'protocol udp');
  assert.equal(filterText({ protocol: 0 }), 'protocol 0');
});

test('filterText() writes networks and names as they may be typed', () => {
  for (const text of ['10.0.0.0/8', '10.0.0.7', '0.0.0.0/0', '10.1.128.0/17', '2001:db8::/32', '2001:db8::1', '::/0'])
    assert.equal(filterText({ remote: parseCidr(text) }), `remote ${text}`);
  for (const text of ['example.org', '*.example.org', '.example.org'])
    assert.equal(filterText({ name: parseName(text) }), `name ${text}`);
});
