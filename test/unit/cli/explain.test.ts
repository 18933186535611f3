import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingWords } from '../../../src/cli/explain-words.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { SourceCode } from '../../../src/core/socket.ts';
import { HOST, PEER } from '../../support/attributor.ts';
import { testContext } from '../../support/context.ts';
import { type ToldFlows, withAnswers } from '../../support/explained.ts';
import { makeOwners, makeProcess, makeSockets, makeTotals } from '../../support/facts.ts';
import { HOSTILE_TEXTS } from '../../support/hostile.ts';

const T = 5_000_000;

async function said(path: string, ...words: string[]) {
  const context = testContext();
  const code = await runProgram(['explain', ...words, '--db', path], context);
  return { out: context.stdout(), err: context.stderr(), code: code ?? context.exitCode };
}

/** A flow of a process for each text, whose name it is wherever it has one; its parent had the socket before. */
function scene(texts: readonly string[]): ToldFlows {
  const people = texts.map((text, i) => {
    const named = { comm: text, exe: text, argv: [text], unit: text, cgroup: text };
    return { pid: 41 + 2 * i, parent: 40 + 2 * i, named, port: 5 + i, cookie: 5 + i };
  });
  const remote = [PEER, 6] as const;
  const facts = {
    processes: people.flatMap(({ pid, parent, named }) => [
      makeProcess(parent, { parentPid: parent - 1, ...named }),
      makeProcess(pid, { parentPid: parent, ...named }),
    ]),
    sockets: makeSockets(
      ...people.map(({ port, cookie }) => ({
        ...{ local: [HOST, port] as const, remote, inode: 0, cookie },
        ...{ seenUs: T, source: SourceCode.Bpf },
      })),
    ),
    owners: makeOwners(
      ...people.flatMap(({ pid, parent, cookie }) => [
        { cookie, pid: parent, evidence: 'Created' as const, fromUs: T },
        { cookie, pid, evidence: 'Transfer' as const, fromUs: T + 5 },
      ]),
    ),
  };
  const flows = people.map(({ port }, i) => ({
    ...{ serial: i + 1, src: [HOST, port] as const, dst: remote },
    ...{ firstUs: T, lastUs: T + 99, state: 'new-and-ended' as const },
  }));
  return { facts, flows };
}

/** What is said of one flow, of process 41. */
const explained = (text: string, ...words: string[]) => withAnswers(scene([text]), (path) => said(path, ...words));

test('explain tells facts, rules, what lost, the check and the sentence of who', async () => {
  const { out, code } = await explained('curl', '1', '--utc');
  assert.equal(code, 0);
  assert.match(out, /^tcp 192\.0\.2\.1:5 -> 198\.51\.100\.9:6\n/, 'the answer comes first');
  assert.match(out, /^flow 1, 1970-01-01T00:00:05\.000000Z to .*no clock is stored/m);
  assert.match(out, / {4}socket 1 192\.0\.2\.1:5 -> 198\.51\.100\.9:6, cookie 5, .*, bpf, /);
  assert.match(out, / {6}actor curl, process 41 \(curl, uid 1000\) \(named\)/);
  assert.match(out, / {4}acted-within: one process/);
  assert.match(out, /creator curl, process 40 .*parent of the one that is named - created-only: /);
  assert.match(out, /give this answer by tuple and time alone/);
  assert.match(out, /exact: the kernel reported that curl \(pid 41\) sent on this socket/);
});

test('explain says what a connection carried by the count of the kernel, where it told', async () => {
  const told = scene(['curl']);
  const withTotals = (sent: number, acked: number) => {
    const closed = { ...makeTotals(5, [sent, acked, 1]), atUs: Float64Array.of(T + 99) };
    return withAnswers({ ...told, facts: { ...told.facts, closed } }, (path) => said(path, '1'));
  };
  assert.match((await withTotals(300, 300)).out, /kernel: 300 octets sent, all confirmed; 1 octet received\n/);
  assert.match((await withTotals(300, 100)).out, /300 octets sent, 200 octets never confirmed;/);
  assert.match((await withTotals(0, 0)).out, /kernel: 0 octets sent; 1 octet received/);
  assert.doesNotMatch((await explained('curl', '1')).out, /by the kernel/);
});

test('explain --format json has the same with tokens', async () => {
  const { out } = await explained('curl', '1', '--format', 'json');
  const { flow, ends } = JSON.parse(out);
  assert.equal(flow.src_pid, 41);
  const [src, dst] = ends;
  assert.deepEqual(
    src.rules.map(({ rule }: { rule: string }) => rule),
    ['cookie', 'there-then', 'acted-within'],
  );
  assert.deepEqual([src.sockets[0].chosen, src.sockets[0].source], [true, 'bpf']);
  assert.deepEqual([src.sockets[0].people[0].pid, src.sockets[0].people[0].lost_because], [40, 'created-only']);
  assert.equal(src.check.verdict, 'agrees');
  assert.deepEqual([dst.rules[0].rule, dst.check.verdict], ['not-local', 'not-checked']);
});

test('explain prints no control character, whatever a process is called', async () => {
  await withAnswers(scene(HOSTILE_TEXTS), async (path) => {
    for (const [i, text] of HOSTILE_TEXTS.entries()) {
      const { out: table } = await said(path, `${i + 1}`);
      assert.doesNotMatch(table, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, text);
      const { out } = await said(path, `${i + 1}`, '--format', 'json');
      assert.doesNotMatch(out, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, text);
      assert.equal(JSON.parse(out).ends[0].sockets[0].people[1].comm, text);
    }
  });
});

test('explain says what to do about a flow that is not there', async () => {
  const gone = await explained('x', '2');
  assert.equal(gone.code, 2);
  assert.match(gone.err, /flow 2 is not in .*; it holds 1 to 1\n.*pcapid flows/);
  assert.match((await explained('x', 'y')).err, /y is no flow_id/);
});

test('explain does not call for the BPF programs that were there', () => {
  assert.match(missingWords('other-netns', 'diag,proc') ?? '', /^BPF programs tell of every namespace/);
  for (const reason of ['other-netns', 'no-socket'])
    assert.match(missingWords(reason, 'bpf,diag,proc') ?? '', /^nothing here/);
  assert.equal(missingWords('of-the-future', 'bpf'), undefined);
});

test('the columns that explain proposes for finding a flow are columns of flows', async () => {
  const { err } = await explained('curl', '99');
  const [, columns] = /--columns (\S+)/.exec(err)!;
  const context = testContext();
  await runProgram(['flows', '--columns', columns!, '--db', '/nonexistent'], context);
  assert.match(context.stderr(), /there is no database/);
});

const DEMO = ['captures/demo.pcap', '--facts', 'captures/demo.facts.ndjson'];

async function saidOfFile(...words: string[]) {
  const context = testContext();
  const code = await runProgram(['explain', ...words], context);
  return { out: context.stdout(), err: context.stderr(), code: code ?? context.exitCode };
}

test('explain FILE --flow tells the answer first, then the facts and rules, then what is missing', async () => {
  const { out, err, code } = await saidOfFile(...DEMO, '--flow', '2', '--utc');
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^flow 2, .*, of \/.*captures\/demo\.pcap, .*\n {2}read by pcapid /m);
  const parts = ['is curl, process 29', '\n  facts\n', 'five-tuple: ', 'give this answer', 'would have told'];
  const places = parts.map((part) => out.indexOf(part));
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
  assert.ok(
    places.every((place) => place >= 0),
    out,
  );
});

test('explain FILE --frame is about the flow of that frame, with the same words', async () => {
  const frame = await saidOfFile(...DEMO, '--frame', '12', '--utc');
  const flow = await saidOfFile(...DEMO, '--flow', '2', '--utc');
  assert.deepEqual([frame.code, frame.out], [0, flow.out]);
});

test('explain refuses a file without a flow, a flow that is not there, and flags that contradict each other', async () => {
  const cases = [
    [['captures/demo.pcap'], /is no flow_id\n.*--flow N or --frame N/],
    [[...DEMO, '--flow', '99'], /flow 99 is not in captures\/demo\.pcap; it holds 1 to 15\n.*pcapid read/],
    [[...DEMO, '--flow', '1', '--frame', '1'], /different things/],
    [['captures/demo.pcap', '--flow', '1', '--db', 'x.db'], /--db is about what is stored/],
    [['17', '--owners', 'x.db'], /--owners is about a capture file/],
    [['/nonexistent.pcap', '--flow', '1'], /no such file/],
  ] as const;
  for (const [words, text] of cases) {
    const { err, code } = await saidOfFile(...words);
    assert.equal(code, 2, words.join(' '));
    assert.match(err, text);
  }
});
