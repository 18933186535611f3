import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createColumns } from '../../../src/core/columns.ts';
import { TRANSLATION_COLUMNS, type TranslationColumns } from '../../../src/core/translation.ts';
import { equalKeys, KEY_WORDS, Protocol } from '../../../src/core/tuple.ts';
import { ConntrackEvents, dumpConntrack, parseConntrack } from '../../../src/linux/conntrack.ts';
import { fakeTransport, readHex } from '../../support/netlink-fixtures.ts';
import { keyText, socketKey } from '../../support/sockets.ts';

const EVENTS = readHex('conntrack-events.hex');

/** `original => translated`, with a minus in front where it has ended. */
function lines(out: TranslationColumns): string[] {
  return Array.from({ length: out.count }, (_, row) => {
    const [original, translated] = [out.original, out.translated].map((key) => keyText(key, row * KEY_WORDS));
    return `${out.ended[row] === 1 ? '- ' : ''}${original} => ${translated}`;
  });
}

const UDP = 'udp/4 10.1.1.1:40001 10.1.1.2:53 => udp/4 10.1.1.9:40001 10.1.1.2:53';
const TCP = 'tcp/4 10.1.1.1:40002 10.1.1.2:7070 => tcp/4 10.1.1.9:40002 10.1.1.2:7070';
const UDP6 = 'udp/6 fd10::1:40003 fd10::2:53 => udp/6 fd10::9:40003 fd10::2:53';
const PING = 'icmp/4 10.1.1.1:5025 10.1.1.2:0 => icmp/4 10.1.1.9:5025 10.1.1.2:0';

test('ConntrackEvents reads recorded connections that are translated, and their ends', () => {
  const events = new ConntrackEvents(fakeTransport(() => EVENTS));
  const out = createColumns(TRANSLATION_COLUMNS, 1);
  assert.equal(events.read(100, out), 0);
  const transport = fakeTransport(() => EVENTS);
  transport.send(new Uint8Array(16), 16);
  assert.equal(new ConntrackEvents(transport).read(100, out), EVENTS.length);
  assert.deepEqual(lines(out), [UDP, TCP, `- ${TCP}`, UDP6, PING, `- ${UDP}`]);
});

test('ConntrackEvents reads no more than it is asked for, and counts what was lost', () => {
  const transport = fakeTransport(() => [EVENTS[0]!, -105, EVENTS[1]!]);
  transport.send(new Uint8Array(16), 16);
  const events = new ConntrackEvents(transport);
  const out = createColumns(TRANSLATION_COLUMNS);
  assert.equal(events.read(2, out), 2);
  assert.equal(events.read(2, out), 1);
  assert.deepEqual([events.lost, out.count], [1, 2]);
  events.close();
  assert.equal(transport.closed, true);
});

test('dumpConntrack() lists recorded connections of one family that are translated', () => {
  const out = createColumns(TRANSLATION_COLUMNS);
  assert.equal(
    dumpConntrack(
      fakeTransport(() => readHex('conntrack-dump6.hex')),
      out,
    ),
    0,
  );
  assert.deepEqual(lines(out), [UDP6]);
  const v4 = fakeTransport(() => readHex('conntrack-dump4.hex'));
  assert.equal(dumpConntrack(v4, out), 0);
  assert.deepEqual(lines(out), [UDP6, PING], 'one that is not translated was left out');
  assert.deepEqual([...v4.requests[0]!.subarray(4, 8)], [1, 1, 1, 3]); // CT_GET, a dump
});

test('dumpConntrack() says why there is no list', () => {
  for (const errno of [-1, -22, -93]) {
    assert.equal(
      dumpConntrack(
        fakeTransport(() => [errno]),
        createColumns(TRANSLATION_COLUMNS),
      ),
      errno,
    );
  }
});

test('parseConntrack() leaves out a message that is cut anywhere', () => {
  const whole = EVENTS[0]!.subarray(16, 16 + 108); // up to the end of the second tuple
  const out = createColumns(TRANSLATION_COLUMNS);
  assert.equal(parseConntrack(whole, 0, whole.length, false, out), true);
  for (let end = 0; end < whole.length; end++) parseConntrack(whole, 0, end, false, out);
  assert.equal(out.count, 1);
  assert.ok(equalKeys(out.original, 0, socketKey(Protocol.Udp, '10.1.1.1', 40001, '10.1.1.2', 53), 0));
});

test('parseConntrack() never throws for any bytes', () => {
  fc.assert(
    fc.property(fc.constantFrom(...EVENTS), fc.array(fc.tuple(fc.nat(250), fc.nat(255))), (event, changes) => {
      const b = event.slice(16);
      for (const [at, octet] of changes) if (at < b.length) b[at] = octet;
      const out = createColumns(TRANSLATION_COLUMNS);
      parseConntrack(b, 0, b.length, false, out);
      assert.ok(out.count <= 1);
    }),
  );
});
