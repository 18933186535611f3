import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServices } from '../../../src/linux/services.ts';

test('parseServices() takes the first name of a port and protocol, and leaves other lines out', () => {
  const text = [
    '# comment 1/tcp',
    '#hidden\t2/tcp',
    'http\t\t80/tcp\t\twww\t# WorldWideWeb HTTP',
    'second 80/tcp',
    '  domain 53/udp#name server',
    'ftp-data 20/tcp',
    'bad 999999/tcp',
    'nothing',
    'x\x9b31m 7/tcp',
    '',
  ].join('\n');
  assert.deepEqual(Object.fromEntries(parseServices(text)), {
    '80/tcp': 'http',
    '53/udp': 'domain',
    '20/tcp': 'ftp-data',
    '7/tcp': 'x\\x9b31m',
  });
});
