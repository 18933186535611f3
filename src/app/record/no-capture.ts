/** Stands where the capture thread is in a recording that captures nothing: it answers as one that saw no packet. */
import type { MessagePort } from 'node:worker_threads';
import { createColumns } from '../../core/columns.ts';
import { FLOW_COLUMNS } from '../../core/flow.ts';
import { FOUND_NAME_COLUMNS } from '../../core/name.ts';
import type { CaptureCounters } from '../../core/tick.ts';
import type { Native } from '../../native/binding.ts';
import { Clock } from './clock.ts';
import type { CaptureCommand, CaptureReady, CaptureReport } from './messages.ts';

const NO_PACKETS: CaptureCounters = {
  packets: 0,
  bytes: 0,
  ipBytes: 0,
  flowPackets: 0,
  flowBytes: 0,
  duplicatePackets: 0,
  duplicateBytes: 0,
  notIpPackets: 0,
  notIpBytes: 0,
  badPackets: 0,
  badBytes: 0,
  received: null,
  kernelDrops: null,
  interfaceDrops: null,
  flowsEvicted: 0,
  flowsLost: 0,
  factsLost: 0,
  factsLate: 0,
  namesLost: 0,
};

/** Says that it is ready, and answers each 'drain' and 'stop'. Costs no thread: main itself answers. */
export function startNoCapture(native: Native, port: MessagePort): void {
  const clock = new Clock(native);
  const ready: CaptureReady = { ready: true };
  port.postMessage(ready);
  port.on('message', (command: CaptureCommand) => {
    if (typeof command === 'object') return;
    const atUs = clock.nowUs();
    const report: CaptureReport = {
      flows: createColumns(FLOW_COLUMNS, 1),
      names: { rows: createColumns(FOUND_NAME_COLUMNS, 1), texts: [] },
      counters: NO_PACKETS,
      interfaces: [],
      troubles: [],
      atUs,
      offsetUs: clock.offsetUs,
      last: command === 'stop',
    };
    port.postMessage(report);
    if (report.last) port.close();
  });
}
