/** Worker of a test: captures `workerData.device` in `workerData.netnsPath` and answers 'count' with its packets. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { LiveSource } from '../../../src/capture/live.ts';
import { createPacketBatch } from '../../../src/core/packet.ts';
import { loadNative } from '../../../src/native/binding.ts';

const { device, netnsPath, filter } = workerData as { device: string; netnsPath: string; filter: string };
const source = new LiveSource(loadNative(), {
  device,
  filter,
  netnsPath,
  snaplen: 2048,
  ringBytes: 1 << 20,
  timeoutMs: 10,
  promiscuous: false,
});
const batch = createPacketBatch(256, 1 << 18);
const port = parentPort!;
let packets = 0;

port.postMessage('open');
for (;;) {
  packets += source.read(batch, 20);
  const message = receiveMessageOnPort(port)?.message;
  if (message === 'count') port.postMessage(packets);
  if (message === 'close') break;
}
source.close();
port.close();
