/** The observer thread: BPF, sock_diag and /proc -> facts. Started by the recorder with ObserverThreadData. */
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { transferList } from '../../../core/columns.ts';
import { SECOND_US, type Us } from '../../../core/time.ts';
import { ProcFs } from '../../../linux/proc-fs.ts';
import { type SocketEnds, TCP_END_GROUPS } from '../../../linux/socket-ends.ts';
import { loadNative, type Native } from '../../../native/binding.ts';
import { Clock } from '../clock.ts';
import { FactBacklog } from '../fact-backlog.ts';
import type { FactsMessage, NewbornMessage, NewsMessage } from '../messages.ts';
import { runThread } from '../thread.ts';
import type { KernelDescriptors } from './kernel-reader.ts';
import { LateTotals } from './late-totals.ts';
import { Observer } from './observer.ts';
import { openKernelWatch } from './open-kernel-watch.ts';
import { openSocketEnds, openSources, type SourceName } from './open-sources.ts';

export interface ObserverThreadData {
  readonly sources: readonly SourceName[];
  readonly programs: KernelDescriptors | null; // BPF programs that run
  readonly isAlone?: boolean; // there is no capture thread: events of sockets are read here, and nobody asks for tuples
  readonly procRoot: string;
  readonly commands: MessagePort;
  readonly news: MessagePort; // from the capture thread
  readonly newborns?: MessagePort | null; // from the newborn thread, where there is one
  readonly wakeFd: number;
  readonly backlog?: SharedArrayBuffer; // of FactBacklog
}

/** At the end, how long facts of the last flows are still looked for. */
const LAST_LOOK_US = SECOND_US / 2;
/** Nobody waits for what the kernel told already: what it tells in this time makes one message. */
const GATHER_MS = 50;

function run(data: ObserverThreadData): void {
  const native = loadNative();
  const clock = new Clock(native);
  const proc = new ProcFs(data.procRoot);
  const { nowUs } = clock;
  const opened =
    data.programs === null ? undefined : openKernelWatch(native, data.programs, data.isAlone === true, proc, nowUs);
  const kernel = opened?.watch;
  const pace = kernel?.seesActors === true ? 'slow' : data.isAlone === true ? 'alone' : 'fast';
  const { sources, readAddresses, close } = openSources(native, proc, data.sources, nowUs, pace);
  const ends = data.sources.includes('diag') ? openEnds(native, data, nowUs) : undefined;
  const backlog = new FactBacklog(data.backlog);
  const isBehind = (): boolean => backlog.isFull;
  const observer = new Observer({ proc, sources, readAddresses, nowUs, kernel, ends, isBehind });
  // Rings are readable as soon as something lies in them, but who waits already is woken up only when they fill up.
  const rings = data.programs === null ? [] : [data.programs.processRing.fd, data.programs.socketRing.fd];
  const fds = Int32Array.of(data.wakeFd, ...(pace === 'slow' ? rings.slice(0, data.isAlone === true ? 2 : 1) : []));
  const ready = new Uint8Array(fds.length);
  const takeNews = (): void => {
    for (let m = receiveMessageOnPort(data.news); m; m = receiveMessageOnPort(data.news)) {
      const news = m.message as NewsMessage;
      if ('fresh' in news) observer.serveFresh(news.fresh);
      else observer.takeEvents(news.sockets);
    }
  };
  const send = (facts: FactsMessage | undefined): void => {
    if (facts === undefined) return;
    if (data.backlog !== undefined) backlog.sent(facts);
    const { sockets, holders, owners, closed, exits } = facts;
    data.commands.postMessage(facts, [sockets, holders, owners, closed, exits].flatMap(transferList));
  };
  let stopUs = Infinity;
  while (clock.nowUs() < stopUs) {
    const { restMs } = observer;
    const woken = native.poll(fds, fds.length, ready, restMs) > 0;
    if (woken && pace === 'slow') native.poll(fds, 0, ready, Math.min(GATHER_MS, restMs));
    native.wakeClear(data.wakeFd);
    takeNews();
    for (let m = nextNewborns(data); m; m = nextNewborns(data)) observer.takeNewborns(m.message as NewbornMessage);
    send(observer.step());
    if (receiveMessageOnPort(data.commands) !== undefined) stopUs = clock.nowUs() + LAST_LOOK_US;
    if (stopUs !== Infinity && !observer.hasWishes) break;
  }
  takeNews(); // what came with the command to stop
  send(observer.step('last'));
  opened?.close();
  ends?.close();
  close();
  data.commands.close();
  data.news.close();
  data.newborns?.close();
}

/** Events of sockets come to the capture thread first, if there is one, which rests up to 100 ms. */
function openEnds(native: Native, data: ObserverThreadData, nowUs: () => Us): SocketEnds | LateTotals | undefined {
  if (data.programs === null) return openSocketEnds(native, nowUs);
  const holdUs = data.isAlone === true ? 0 : SECOND_US;
  return new LateTotals(() => openSocketEnds(native, nowUs, TCP_END_GROUPS), nowUs, holdUs);
}

const nextNewborns = ({ newborns }: ObserverThreadData) => (newborns ? receiveMessageOnPort(newborns) : undefined);

runThread(workerData as ObserverThreadData, run);
