import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { findAddon, loadNative } from '../../../src/native/binding.ts';
import { compileProgram } from '../../support/compile.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { waitFor } from '../../support/wait.ts';

const skip = netnsMissing();
const native = loadNative(); // in this thread as well: instances do not disturb each other
const lab = new NetnsLab();
after(() => lab.close());

const program = compileProgram('capture-worker');

async function startCapture(device: string, netnsPath: string): Promise<Worker> {
  const worker = new Worker(program, { workerData: { device, netnsPath, filter: 'udp port 9' } });
  const [message] = await once(worker, 'message');
  assert.equal(message, 'open');
  return worker;
}

async function countOf(worker: Worker): Promise<number> {
  worker.postMessage('count');
  const [packets] = await once(worker, 'message');
  return packets as number;
}

test('two worker threads capture the two ends of a veth pair at the same time', { skip }, async () => {
  const [a, b] = [lab.create(), lab.create()];
  const [here, there] = lab.connect(a, b);
  const workers = [await startCapture(here.name, a.path), await startCapture(there.name, b.path)];
  const script =
    `import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n` +
    `for i in range(1009): s.sendto(b'x', ('${there.v4}', 9))`;
  a.exec('python3', '-c', script);
  for (const worker of workers) {
    await waitFor(async () => (await countOf(worker)) >= 1009, 10_000, '1009 packets');
    assert.equal(await countOf(worker), 1009);
    worker.postMessage('close');
    await once(worker, 'exit');
  }
});

test('a worker that is terminated leaves no open capture behind', { skip }, async () => {
  const openDescriptors = (): number => readdirSync('/proc/self/fd').length; // also those of other threads: descriptors belong to the process
  const netns = lab.create();
  const first = await startCapture('lo', netns.path);
  await first.terminate();
  const before = openDescriptors();
  for (let i = 0; i < 5; i++) {
    const worker = await startCapture('lo', netns.path);
    assert.ok(openDescriptors() > before);
    await worker.terminate();
  }
  await waitFor(() => openDescriptors() <= before, 5000, 'descriptors of the workers are closed');
});

test('wake() of one thread ends poll() of another', { skip }, async () => {
  const fd = native.wakeCreate();
  const text =
    `const m = { exports: {} }; process.dlopen(m, ${JSON.stringify(findAddon(__dirname, process.env))});` +
    `require('node:worker_threads').parentPort.postMessage(` +
    `  m.exports.poll(Int32Array.of(${fd}), 1, new Uint8Array(1), 10000));`;
  const started = performance.now();
  const worker = new Worker(text, { eval: true });
  const answer = once(worker, 'message');
  await once(worker, 'online');
  native.wake(fd);
  assert.deepEqual(await answer, [1]);
  assert.ok(performance.now() - started < 8000);
  native.closeFd(fd);
});
