/** The observer thread: sock_diag and /proc -> facts. Started by the recorder with ObserverThreadData. */
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { transferList } from '../../core/columns.ts';
import { SECOND_US } from '../../core/time.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { loadNative } from '../../native/binding.ts';
import { Clock } from './clock.ts';
import type { FactsMessage, FreshMessage } from './messages.ts';
import { Observer } from './observer.ts';
import { openSources, type SourceName } from './open-sources.ts';
import { runThread } from './thread.ts';

export interface ObserverThreadData {
  readonly sources: readonly SourceName[];
  readonly procRoot: string;
  readonly commands: MessagePort;
  readonly fresh: MessagePort; // from the capture thread
  readonly wakeFd: number;
}

/** At the end, how long facts of the last flows are still looked for. */
const LAST_LOOK_US = SECOND_US / 2;

function run(data: ObserverThreadData): void {
  const native = loadNative();
  const clock = new Clock(native);
  const proc = new ProcFs(data.procRoot);
  const { sources, readAddresses, close } = openSources(native, proc, data.sources, clock.nowUs);
  const observer = new Observer({ proc, sources, readAddresses, nowUs: clock.nowUs });
  const fds = Int32Array.of(data.wakeFd);
  const ready = new Uint8Array(1);
  const send = (facts: FactsMessage | undefined): void => {
    if (facts === undefined) return;
    data.commands.postMessage(facts, [...transferList(facts.sockets), ...transferList(facts.holders)]);
  };
  let stopUs = Infinity;
  while (clock.nowUs() < stopUs) {
    native.poll(fds, 1, ready, observer.restMs);
    native.wakeClear(data.wakeFd);
    for (let m = receiveMessageOnPort(data.fresh); m; m = receiveMessageOnPort(data.fresh)) {
      observer.serveFresh(m.message as FreshMessage);
    }
    send(observer.step());
    if (receiveMessageOnPort(data.commands) !== undefined) stopUs = clock.nowUs() + LAST_LOOK_US;
    if (stopUs !== Infinity && !observer.hasWishes) break;
  }
  send(observer.step('last'));
  close();
  data.commands.close();
  data.fresh.close();
}

runThread(workerData as ObserverThreadData, run);
