import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from '../../../src/cli/program.ts';
import { testContext } from '../../support/context.ts';

async function said(...words: string[]) {
  const context = testContext();
  const code = await runProgram(['who', ...words], context);
  return { out: context.stdout(), err: context.stderr(), code: code ?? context.exitCode };
}

const DEMO = 'captures/demo.pcap';
const FACTS = ['--facts', 'captures/demo.facts.ndjson'];

test('who FILE --frame N tells the process behind the frame, whichever way it went', async () => {
  const sent = (await said(DEMO, '--frame', '5', '--utc', ...FACTS)).out;
  assert.match(sent, /^frame 5, 2026-11-21T14:41:21\.766517Z, 80 octets, sent by 192\.0\.2\.10:37526, of flow 2:\n/);
  assert.match(sent, / is curl, process 29 \(\/usr\/bin\/curl, .*\n +command curl --silent/);
  assert.match(sent, /\n +started 5353\.54 s after its host\n +child of process 1\n/);
  assert.match(sent, /exact: curl \(pid 29\) had a socket with exactly these addresses and ports/);
  assert.match((await said(DEMO, '--frame', '6', ...FACTS)).out, /sent by 198\.51\.100\.20:80, of flow 2:/);
});

test('who FILE --flow ID tells both ends, or the whole record', async () => {
  assert.match((await said(DEMO, '--flow', '9', ...FACTS)).out, /is app, process 30[\s\S]* is database, process 17/);
  const { out } = await said(DEMO, '--flow', '9', '--format', 'ndjson', ...FACTS);
  assert.deepEqual([JSON.parse(out).src_comm, JSON.parse(out).dst_comm], ['app', 'database']);
});

test('who says the reason again that stands in an annotated file', async () => {
  const output = join(mkdtempSync(join(tmpdir(), 'pcapid-who-')), 'named.pcapng');
  await runProgram(['annotate', DEMO, output, ...FACTS], testContext());
  const flow = ['--flow', '13'];
  const { out } = await said(output, ...flow);
  rmSync(dirname(output), { recursive: true });
  assert.match(out, /the socket was gone before its process could be looked up \(closed-before-scan\)/);
  assert.equal(out.split('\n').length, (await said(DEMO, ...flow, ...FACTS)).out.split('\n').length);
});

test('who says of a file without owners how to get some', async () => {
  const { out, err } = await said(DEMO, '--frame', '5');
  assert.match(out, /is not known: no socket was seen there/);
  assert.match(err, /names no processes: add --owners DB/);
});

for (const [words, expected] of [
  [[DEMO, '--frame', '926'], /has 925 frames, there is no frame 926/],
  [[DEMO, '--frame', '0'], /--frame: '0' is not valid/],
  [[DEMO, '--flow', '16'], /has no flow 16, only 15/],
  [['captures/ethernet-tcp.pcap', 'captures/demo.pcap', '--frame', '1'], /asked of one capture file/],
  [[DEMO, '--frame', '1', '--flow', '1'], /ask for different things/],
  [[DEMO, '--frame', '1', '--db', 'x'], /--db is about what is stored/],
  [['captures/none.pcap', '--frame', '1'], /no such file/],
  [['-', '--frame', '1'], /standard input is no regular file/],
  [['443', ...FACTS], /--facts is about a capture file/],
  [[DEMO], /is a capture file[\s\S]*--frame N/],
] as const) {
  test(`who ${words.join(' ')} says what is wrong`, async () => {
    const { out, err } = await said(...words);
    assert.equal(out, '');
    assert.match(err, expected);
  });
}

test('a frame that is no IP packet says why nobody owns it', async () => {
  assert.match((await said(DEMO, '--frame', '1')).err, /frame 1 belongs to no process: it is no IP packet/);
});
