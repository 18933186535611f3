/** Owners that are written into comments come back as they were, whatever their names are. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { ownerFields } from '../../src/app/annotate/owner-fields.ts';
import { answerFields } from '../../src/attribution/answer-fields.ts';
import { type Answer, unknown } from '../../src/attribution/attribute.ts';
import { programOf } from '../../src/attribution/process-table.ts';
import { type Evidence, MATCHES, REASONS } from '../../src/core/attribution.ts';
import type { Process } from '../../src/core/process.ts';
import { NO_UID, SOURCES } from '../../src/core/socket.ts';
import { decodeHostile } from '../../src/core/text.ts';
import { formatOwnerComment } from '../../src/pcap/owner-comment.ts';
import { recordsOf } from '../support/file-records.ts';
import { HOSTILE_TEXTS } from '../support/hostile.ts';
import { ethernet, ipv4, udp } from '../support/packets.ts';
import { enhancedPacket, interfaceBlock, pcapng, section } from '../support/pcapng-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-owners-'));
after(() => rmSync(folder, { recursive: true }));

const hostile = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 30 }).map((octets) => decodeHostile(octets)),
  fc.constantFrom(...HOSTILE_TEXTS.filter((text) => text !== '')),
);
/** A command line that is longer than 4,096 characters ends with an ellipsis, and its last quote is another one then. */
const word = hostile.filter((text) => text.length < 500);
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: null });
const token = <T>(all: readonly T[]) => fc.constantFrom(...all.filter((one) => one !== null));
const evidence: fc.Arbitrary<Evidence> = fc.record({
  source: token(SOURCES) as fc.Arbitrary<Evidence['source']>,
  match: token(MATCHES) as fc.Arbitrary<Evidence['match']>,
  gapUs: fc.oneof(fc.constant(0), fc.nat(1e9)),
  holders: fc.integer({ min: 1, max: 100 }),
});
const uid = fc.oneof(fc.constant(NO_UID), fc.nat(70_000));
const process: fc.Arbitrary<Process> = fc.record({
  pid: fc.integer({ min: 1, max: 2 ** 22 }),
  startTicks: fc.nat(1e9),
  parentPid: fc.nat(5),
  comm: fc.oneof(hostile, fc.constant('')),
  exe: maybe(hostile),
  argv: maybe(fc.array(word, { minLength: 1, maxLength: 4 })),
  uid,
  cgroup: fc.constant(null),
  unit: maybe(hostile),
  container: maybe(hostile),
  netns: fc.constant(0),
  forked: fc.constant(false),
});
const named = fc.tuple(process, evidence).map(
  ([one, why]): Answer => ({
    ...unknown('no-socket'),
    process: one,
    program: programOf(one),
    evidence: why,
    reason: null,
  }),
);
const unnamed = fc.tuple(token(REASONS), maybe(evidence), maybe(process)).map(
  ([reason, why, one]): Answer => ({
    ...unknown(reason as NonNullable<Answer['reason']>),
    evidence: why,
    program: one === null ? null : programOf(one),
  }),
);
const end = fc.oneof(named, unnamed);

/** Flows of three tuples, one after the other on each: the first packet of each flow has the comment. */
function captureOf(flows: readonly (readonly [Answer, Answer])[]): Uint8Array {
  const packets = flows.map(([src, dst], i) =>
    enhancedPacket({
      bytes: ethernet(ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp({ src: 1000 + (i % 3), dst: 53 }))),
      time: BigInt(i) * 100_000_000n, // each is idle before the next
      options: [[1, [...Buffer.from(formatOwnerComment(i + 1, ownerFields(src), ownerFields(dst)))]]],
    }),
  );
  return pcapng(section(), interfaceBlock(), ...packets);
}

test('what a comment says of both ends is what reading gives, with source capture', async () => {
  let files = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(end, end), { minLength: 1, maxLength: 8 }), async (flows) => {
      const path = join(folder, `${++files}.pcapng`);
      writeFileSync(path, captureOf(flows));
      const records = await recordsOf(path);
      assert.equal(records.length, flows.length);
      flows.forEach((ends, i) => {
        ends.forEach((answer, side) => {
          const expected = answerFields(answer);
          const own = Object.entries(expected).map(([field, value]) => [
            field,
            field === 'source' && value !== null ? 'capture' : value,
          ]);
          const record = records[i] as Readonly<Record<string, unknown>>;
          const read = Object.keys(expected).map((field) => [field, record[`${side === 0 ? 'src' : 'dst'}_${field}`]]);
          assert.deepEqual(read, own);
        });
      });
    }),
    { numRuns: 150 },
  );
});
