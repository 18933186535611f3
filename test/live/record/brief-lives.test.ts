/** Processes that live a millisecond are whole, by the events of the BPF programs: /proc has forgotten them by then. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { linkSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { killChildren, startChild } from '../../support/child.ts';
import { compileC } from '../../support/compile.ts';
import { KernelTold } from '../../support/kernel-told.ts';
import { realRootMissing } from '../../support/real-root.ts';

const COUNT = 1000;

const starter = compileC('brief-lives');
const skip = realRootMissing() || (starter === undefined ? 'there is no C compiler' : false);
const folder = mkdtempSync(join(tmpdir(), 'pcapid-brief-'));
after(() => {
  killChildren();
  rmSync(folder, { recursive: true });
});

test('1,000 processes that live a millisecond are known with all that they were', { skip }, async (context) => {
  const sink = createSocket('udp4').bind(0, '127.0.0.1');
  await once(sink, 'listening');
  const { port } = sink.address();
  const child = join(folder, 'brief-child');
  linkSync(starter!, child);
  const told = new KernelTold();
  const command = [starter!, String(COUNT), String(port), child];
  const { out, code, err } = await told.until(startChild(command).done);
  const { lost } = told;
  told.close();
  sink.close();
  assert.equal(code, 0, err);
  assert.equal(lost, 0, 'the rings had room');

  const wrong: string[] = [];
  let whole = 0;
  const lines = out.trimEnd().split('\n');
  for (const line of lines) {
    const [pid, startTicks, parentPid, localPort, executed, number, comm] = line.split(' ') as [string, ...string[]];
    const key = `${pid}:${startTicks}`;
    const cookies = told.sockets
      .filter((socket) => socket.localPort === Number(localPort) && socket.remotePort === port)
      .map(({ cookie }) => cookie); // several: the port was used again
    const owners = cookies.map((cookie) => [...(told.owners.get(cookie) ?? [])].join());
    const process = told.processes.get(key);
    const exe = executed === '1' ? child : starter!;
    const known = [process?.pid, process?.startTicks, process?.parentPid, process?.comm, told.ended.has(key)];
    const asked = [Number(pid), Number(startTicks), Number(parentPid), comm, true];
    if (!owners.includes(key) || known.join() !== asked.join()) wrong.push(`${line}: ${owners} ${known}`);
    const argv = executed === '1' ? ['child word', 'one', String(port), number!] : command;
    if (process?.exe === exe && process.argv?.join('\0') === argv.join('\0')) whole++;
  }
  assert.equal(lines.length, COUNT);
  assert.deepEqual(wrong, []);
  context.diagnostic(`${whole} of ${COUNT} with path and arguments`);
  assert.ok(whole >= COUNT * 0.99);
});
