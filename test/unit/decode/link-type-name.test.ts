import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinkType } from '../../../src/core/packet.ts';
import { linkTypeName } from '../../../src/decode/link-type-name.ts';

test('linkTypeName() names link types by their names at tcpdump.org, and unknown ones by number', () => {
  assert.equal(linkTypeName(LinkType.Ethernet), 'ETHERNET (1)');
  assert.equal(linkTypeName(189), 'USB_LINUX (189)');
  assert.equal(linkTypeName(249), 'USBPCAP (249)');
  assert.equal(linkTypeName(195), 'IEEE802_15_4_WITHFCS (195)');
  assert.equal(linkTypeName(60_000), '60000');
});

test('linkTypeName() has a name for every link type that is decoded', () => {
  for (const linkType of Object.values(LinkType)) assert.match(linkTypeName(linkType), /^[A-Z][A-Z0-9_]+ \(\d+\)$/);
});
