import { resolve } from 'node:path';
import { Attributor } from '../../attribution/attributor.ts';
import { createColumns } from '../../core/columns.ts';
import { UserError } from '../../core/errors.ts';
import { FLOW_COLUMNS, type FlowColumns } from '../../core/flow.ts';
import type { CaptureCounters, CaptureInfo, InterfaceCount } from '../../core/tick.ts';
import type { Us } from '../../core/time.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { readHostName } from '../../linux/system.ts';
import { UserNames } from '../../linux/users.ts';
import type { InterfaceNumbers } from '../../pcap/interface-numbers.ts';
import { compileCapturesOfFile, FILE_SEPARATOR } from '../../store/compile-summary.ts';
import { Reader } from '../../store/reader.ts';
import { InterfaceCounts } from '../record/interface-counts.ts';
import type { FactsMessage } from '../record/messages.ts';
import { openStore } from '../record/open-store.ts';
import { TickBuilder } from '../record/tick-builder.ts';
import { type FileInput, type FileResult, type FileSink, readFiles } from './file-reading.ts';
import type { History } from './history.ts';

export interface StoreFileOptions {
  readonly inputs: readonly FileInput[]; // pieces of one capture
  readonly interfaces: InterfaceNumbers;
  readonly decap: boolean;
  readonly follow: boolean;
  readonly stop: AbortSignal;
  readonly database: string;
  readonly facts: readonly FactsMessage[];
  readonly history?: History | undefined;
  readonly command: string;
  readonly version: string;
}

/** Reads capture files into a database, as one capture. @throws UserError */
export async function storeFiles(options: StoreFileOptions, onProgress: FileSink['onProgress']): Promise<FileResult> {
  const proc = new ProcFs('/proc');
  const users = new UserNames(new ProcFs('/etc'));
  const attributor = new Attributor();
  const builder = new TickBuilder(attributor, { userName: (uid) => users.get(uid) ?? null });
  const store = openStore(resolve(options.database), proc);
  const interfaceCounts = new InterfaceCounts((ifindex) => options.interfaces.nameOf(ifindex) !== null);
  let startedUs: Us | undefined;
  let latestUs = 0;
  const write = (flows: FlowColumns, counters: CaptureCounters, named: boolean): void => {
    for (let i = 0; i < flows.count; i++) latestUs = Math.max(latestUs, flows.lastUs[i]!);
    if (startedUs === undefined) {
      startedUs = flows.count > 0 ? flows.firstUs[0]! : 0;
      store.beginCapture({ ...captureInfo(options, proc, named), startedUs });
    }
    store.write({
      ...builder.take(true),
      flows,
      counters,
      interfaces: countsOf(interfaceCounts, options.interfaces),
      namespaces: [],
      clock: null,
      atUs: latestUs,
    });
  };
  try {
    for (const { path, fd } of options.inputs) if (fd === undefined) refuseTwice(resolve(options.database), path);
    const onAnswer: FileSink['onAnswer'] = (serial, side, answer) => builder.addAnswer(serial, side, answer);
    const onNames: FileSink['onNames'] = (found, flows, named) => {
      if (named) builder.hostNames.watch(flows);
      builder.hostNames.add(found);
    };
    const result = await readFiles(
      { ...options, attributor, interfaceCounts, byMinute: true },
      { onFlows: write, onAnswer, onNames, onProgress },
    );
    if (result.named) builder.addSockets(Number.POSITIVE_INFINITY);
    write(createColumns(FLOW_COLUMNS, 1), result.counters, result.named);
    store.endCapture(latestUs);
    return result;
  } finally {
    store.close();
  }
}

/** What passed the interfaces that the files name; those of cooked packets have a number only. */
function countsOf(counts: InterfaceCounts, names: InterfaceNumbers): InterfaceCount[] {
  return counts.list().flatMap((one) => {
    const name = names.nameOf(one.ifindex);
    return name === null ? [] : [{ ...one, name }];
  });
}

/** A file that is stored twice would double every sum. The store is open already: it brought the schema up to date. */
function refuseTwice(database: string, path: string): void {
  const reader = Reader.open(database);
  const earlier = reader.all(compileCapturesOfFile(path));
  reader.close();
  if (earlier.length === 0) return;
  const hint = 'Choose another database: a second time, everything would count twice.';
  throw new UserError('already-stored', `${path} is stored in ${database} already`, hint);
}

/** A file has no boot: its own path stands for one, so that it never joins the processes of a live boot. */
function captureInfo(options: StoreFileOptions, proc: ProcFs, named: boolean): Omit<CaptureInfo, 'startedUs'> {
  const { inputs } = options;
  const isPipe = inputs.some(({ fd }) => fd !== undefined);
  return {
    interface: inputs.map(({ path }) => path).join(FILE_SEPARATOR),
    backend: 'file',
    filter: '',
    snaplen: 0,
    command: options.command,
    version: options.version,
    hostName: readHostName({ proc }) ?? 'unknown',
    bootId: inputs.map(({ path }) => resolve(path)).join(FILE_SEPARATOR) + (isPipe ? ` ${Date.now()}` : ''),
    netns: 0,
    sources: options.history !== undefined ? 'history' : named ? 'capture' : '',
  };
}
