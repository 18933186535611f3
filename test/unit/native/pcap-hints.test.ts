import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { UserError } from '../../../src/core/errors.ts';
import { pcapError } from '../../../src/native/pcap-hints.ts';

const named = { device: 'eth7', filter: 'tcp prt 1' };
const thrown = (code: string): Error => Object.assign(new Error('words of libpcap'), { code });

test('pcapError() makes a UserError with a hint of every code that native/pcap_*.cc can throw', () => {
  const source = readFileSync('native/pcap_handle.cc', 'utf8') + readFileSync('native/pcap_exports.cc', 'utf8');
  const codes = new Set([...source.matchAll(/"([a-z]+(?:-[a-z]+)+)"/g)].map((match) => match[1]!));
  assert.ok(codes.has('no-libpcap') && codes.has('bad-filter') && codes.size >= 7, [...codes].join());
  for (const code of codes) {
    const error = pcapError(thrown(code), named);
    assert.ok(error instanceof UserError, code);
    assert.equal(error.code, code);
    assert.match(error.message, /words of libpcap/);
    assert.ok(error.hint.length > 20);
  }
});

test('pcapError() names the interface, and the filter when that is wrong', () => {
  assert.match((pcapError(thrown('no-such-interface'), named) as Error).message, /\(eth7\)/);
  assert.match((pcapError(thrown('bad-filter'), named) as Error).message, /\(tcp prt 1\)/);
});

test('pcapError() hands back what is not of the addon, so that a bug keeps its stack', () => {
  const bug = new TypeError('x is not a function');
  assert.equal(pcapError(bug, named), bug);
  assert.equal(pcapError('text', named), 'text');
});
