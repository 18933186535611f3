/**
 * The newborn thread: proc connector -> descriptors of new processes -> facts for the observer. A thread of its own, for
 * the observer may be in the midst of a scan. Started by the recorder with NewbornThreadData where BPF does not work.
 */
import { type MessagePort, workerData } from 'node:worker_threads';
import { copyRow, createColumns, transferList } from '../../../core/columns.ts';
import { SOCKET_COLUMNS, type SocketColumns, SocketState } from '../../../core/socket.ts';
import { Protocol } from '../../../core/tuple.ts';
import {
  CN_IDX_PROC,
  NETLINK_CONNECTOR,
  ProcConnector,
  type ProcEvent,
  ProcEventKind,
} from '../../../linux/proc-connector.ts';
import { ProcFs } from '../../../linux/proc-fs.ts';
import type { SockDiag } from '../../../linux/sock-diag.ts';
import { AF_INET, AF_INET6 } from '../../../linux/socket-key.ts';
import { loadNative, type Native } from '../../../native/binding.ts';
import { Clock } from '../clock.ts';
import type { NewbornMessage } from '../messages.ts';
import { tryNetlink } from '../netlink-transport.ts';
import { runThread } from '../thread.ts';
import { NewbornScan } from './newborn-scan.ts';
import { openDiag } from './open-sources.ts';

export interface NewbornThreadData {
  readonly procRoot: string;
  readonly commands: MessagePort; // to the observer
  readonly stopFd: number; // made readable when it is to end
  readonly observerWakeFd: number;
}

const LONG_REST_MS = 1000;
/** Events read before the processes that are due are looked at. */
const MOST_EVENTS = 64;
/** What is found in this time makes one message. */
const GATHER_US = 10_000;
/** States in which a process may hold the socket: not TIME_WAIT, not a listener. */
const HELD_STATES = 0xfff & ~(1 << SocketState.TimeWait) & ~(1 << SocketState.Listen);

function run(data: NewbornThreadData): void {
  const native = loadNative();
  const socket = tryNetlink(native, NETLINK_CONNECTOR, '', 1 << (CN_IDX_PROC - 1)); // else the next scan finds them
  if (socket !== undefined) {
    const connector = new ProcConnector(socket);
    if (connector.subscribe() === 0) watch(data, native, connector, socket.fd);
    connector.close();
  }
  data.commands.close();
}

function watch(data: NewbornThreadData, native: Native, connector: ProcConnector, fd: number): void {
  const clock = new Clock(native);
  const diag = openDiag(native, clock.nowUs);
  const dump = (wanted: (inode: number) => boolean, out: SocketColumns): void => dumpWanted(diag, wanted, out);
  const scan = new NewbornScan({ proc: new ProcFs(data.procRoot), dump, nowUs: clock.nowUs });
  const fds = Int32Array.of(data.stopFd, fd);
  const ready = new Uint8Array(fds.length);
  const onEvent = (event: ProcEvent): void => {
    if (event.kind === ProcEventKind.Fork)
      scan.born(event.pid, event.parentPid, clock.fromMonotonic(event.atNs / 1000));
    else if (event.kind === ProcEventKind.Exec) scan.execed(event.pid);
    else if (event.kind === ProcEventKind.Exit) scan.ended(event.pid);
  };
  let tellUs = 0;
  while (ready[0] !== 1) {
    const nextUs = scan.hasFacts ? Math.min(tellUs, scan.queue.nextUs) : scan.queue.nextUs;
    const restMs = Math.ceil((nextUs - clock.nowUs()) / 1000);
    native.poll(fds, fds.length, ready, Math.max(0, Math.min(restMs, LONG_REST_MS)));
    connector.read(MOST_EVENTS, onEvent);
    scan.look();
    const now = clock.nowUs();
    if (!scan.hasFacts || now < tellUs) continue;
    tellUs = now + GATHER_US;
    const facts = scan.take();
    const message: NewbornMessage = { ...facts, lost: connector.lost, skipped: scan.skipped + scan.queue.dropped };
    data.commands.postMessage(message, [...transferList(facts.sockets), ...transferList(facts.holders)]);
    native.wake(data.observerWakeFd);
  }
  diag?.close();
}

/** TCP and UDP: others have few sockets, and the observer lists them all. */
function dumpWanted(diag: SockDiag | undefined, wanted: (inode: number) => boolean, out: SocketColumns): void {
  const all = createColumns(SOCKET_COLUMNS);
  for (const protocol of [Protocol.Tcp, Protocol.Udp]) {
    for (const family of [AF_INET, AF_INET6]) diag?.dump(protocol, family, HELD_STATES, all);
  }
  for (let i = 0; i < all.count; i++) if (wanted(all.inode[i]!)) copyRow(SOCKET_COLUMNS, all, i, out);
}

runThread(workerData as NewbornThreadData, run);
