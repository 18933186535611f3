import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { commandLine } from '../../../src/core/command-line.ts';
import { decodeHostile } from '../../../src/core/text.ts';
import { formatOwnerComment, parseOwnerComment, speaksOfOwners } from '../../../src/pcap/owner-comment.ts';

/** As a file has it and a reader gets it. */
const reread = (comment: string) => parseOwnerComment(decodeHostile(Buffer.from(comment)));

test('formatOwnerComment() is one line of words, with quotes only where they are needed', () => {
  const src = { pid: 4711, comm: 'curl', cmdline: 'curl https://example.org/', unit: null };
  assert.equal(
    formatOwnerComment(7, src, { reason: 'not-local' }),
    'pcapid flow=7 src.pid=4711 src.comm=curl src.cmdline="curl https://example.org/" dst.reason=not-local',
  );
});

test('parseOwnerComment() gives both owners back', () => {
  const text = formatOwnerComment(1, { pid: 1, start: 5, comm: 'a', uid: 0, ppid: 9 }, { pid: 2, unit: 'b.service' });
  assert.ok(speaksOfOwners(Buffer.from(text)));
  const [src, dst] = [reread(text).src?.process, reread(text).dst?.process];
  assert.deepEqual([src?.pid, src?.startTicks, src?.comm, src?.uid, src?.parentPid, src?.exe], [1, 5, 'a', 0, 9, null]);
  assert.deepEqual([dst?.pid, dst?.unit, dst?.startTicks], [2, 'b.service', null]);
  assert.equal(reread(text).flow, 1);
});

test('an owner whose pid is no number, or 0, is none', () => {
  for (const flow of ['', 'x', '1x', '9'.repeat(20)]) assert.equal(reread(`pcapid flow=${flow} src.pid=1`).flow, 0);
  for (const pid of ['', '0', 'x', '-1', '99999999999999999999'])
    assert.equal(reread(`pcapid flow=1 src.pid=${pid} src.comm=a`).src, undefined);
});

test('hostile names survive, and never look like other fields', () => {
  const octets = fc.uint8Array({ minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(octets, fc.array(octets, { maxLength: 4 }), (name, words) => {
      const comm = decodeHostile(name);
      const argv = words.map((word) => decodeHostile(word));
      const comment = formatOwnerComment(3, { pid: 7, comm, cmdline: commandLine(argv) || null }, { reason: 'kernel' });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
      assert.doesNotMatch(comment, /[\x00-\x1f]/);
      const { src, dst } = reread(comment);
      assert.deepEqual([src?.process?.pid, src?.process?.comm, src?.process?.argv ?? []], [7, comm, argv]);
      assert.deepEqual([dst?.process, dst?.reason], [undefined, 'kernel']);
    }),
  );
});
