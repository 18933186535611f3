import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { killChildren, startChild } from '../../support/child.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { startRecording, temporaryDatabase } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { readFlows } from '../../support/stored-flows.ts';
import { waitFor } from '../../support/wait.ts';
import { startWorkload } from '../../support/workload.ts';

/** A process whose name and arguments would move the cursor, colour the screen and end the line. */
const HOSTILE = `
import ctypes, socket, time
ctypes.CDLL(None).prctl(15, b'\\x1b[31mX\\x07\\r\\n\\xc2\\x9b1m')
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('127.0.0.1', 9999))
end = time.time() + 1
while time.time() < end:
    try: s.send(b'x')
    except ConnectionRefusedError: pass
    time.sleep(0.1)
`;

describe('pcapid record in trouble', { skip: netnsMissing() }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  async function refusal(...words: readonly string[]) {
    const database = temporaryDatabase();
    const { code, err } = await runPcapid(['record', '--db', database, ...words], { netns: lab.create() });
    assert.equal(code, 2, err);
    assert.doesNotMatch(err, /^ +at /m, 'a stack');
    assert.ok(!existsSync(database), 'a database was made');
    return err.slice(err.indexOf('pcapid:'));
  }

  test('an interface that does not exist is refused with a hint', async () => {
    const err = await refusal('-i', 'nope0');
    assert.match(err, /^pcapid: there is no such interface \(nope0\)/);
    assert.match(err, /pcapid interfaces/);
  });

  test("a wrong filter is refused with libpcap's words", async () => {
    const err = await refusal('-i', 'lo', 'tcp', 'prot', '80');
    assert.match(err, /^pcapid: the filter is wrong \(tcp prot 80\): .*syntax error/);
  });

  test('an interface that is deleted meanwhile is told, and the others go on', async () => {
    const [a] = lab.connect(lab.create(), lab.create());
    const recording = await startRecording(['-i', a.name, '-i', 'lo', 'udp'], { netns: a.netns });
    a.netns.exec('ip', 'link', 'delete', a.name);
    const note = new RegExp(`^pcapid: .*${a.name} (was removed|went down)$`, 'm');
    await waitFor(() => note.test(recording.child.err()), 5000, 'a note on standard error');
    const server = startWorkload(['udp-server', 23], a.netns);
    const to = ['--port', await server.port()];
    const [sender] = await startWorkload(['udp-datagrams', 23, ...to], a.netns).sockets();
    await server.sockets();
    await recording.stop();
    const [flow, ...others] = readFlows(recording.database);
    assert.deepEqual([flow?.src.pid, flow?.origPackets, others.length], [sender?.pid, 23, 0]);
  });

  test('no octet of a hostile process name or argument reaches the terminal raw', async () => {
    const netns = lab.create();
    const recording = await startRecording(['-i', 'lo', 'udp'], { netns });
    const argument = '\x1b]0;title\x07\u202e\u009b2J';
    const child = startChild(netns.command('python3', '-c', HOSTILE, argument));
    assert.equal((await child.done).code, 0, child.err());
    const { err } = await recording.stop();
    const [flow] = readFlows(recording.database);
    assert.equal(flow?.src.pid, child.pid);
    const said = [err];
    for (const words of [
      ['flows', '--columns', 'process,cmdline,src_comm,src_cmdline'],
      ['processes'],
      ['usage'],
      ['who', `udp 127.0.0.1:${flow?.src.port}`],
    ]) {
      const { out, err: more } = await runPcapid([...words, '--db', recording.database]);
      said.push(out, more);
    }
    assert.match(said.join(''), /\\u\{1b\}/, 'the name is shown, escaped');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(said.join(''), /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/);
  });

  test('a database in a folder that cannot be made is refused', async () => {
    const { code, err } = await runPcapid(['record', '-i', 'lo', '--db', '/dev/null/x.db'], { netns: lab.create() });
    assert.equal(code, 2);
    assert.match(err, /^pcapid: \/dev\/null cannot be used .*\(EEXIST\)\n .*--db/);
  });
});
