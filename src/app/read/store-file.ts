import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Attributor } from '../../attribution/attributor.ts';
import { createColumns } from '../../core/columns.ts';
import { UserError } from '../../core/errors.ts';
import { FLOW_COLUMNS, type FlowColumns } from '../../core/flow.ts';
import type { CaptureCounters, CaptureInfo } from '../../core/tick.ts';
import type { Us } from '../../core/time.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { readHostName } from '../../linux/system.ts';
import { UserNames } from '../../linux/users.ts';
import { compileCapturesOfFile } from '../../store/compile-summary.ts';
import { Reader } from '../../store/reader.ts';
import type { FactsMessage } from '../record/messages.ts';
import { openStore } from '../record/open-store.ts';
import { TickBuilder } from '../record/tick-builder.ts';
import { attributorOf, type FileResult, type FileSink, readFile } from './file-reading.ts';

export interface StoreFileOptions {
  readonly path: string; // of the capture
  readonly database: string;
  readonly facts: readonly FactsMessage[];
  readonly command: string;
  readonly version: string;
}

/** Reads a capture file into a database, as a capture of its own. @throws UserError */
export function storeFile(options: StoreFileOptions, onProgress: FileSink['onProgress']): FileResult {
  const proc = new ProcFs('/proc');
  const users = new UserNames(new ProcFs('/etc'));
  refuseTwice(resolve(options.database), options.path);
  const attributor = attributorOf(options.facts);
  const builder = new TickBuilder(attributor ?? new Attributor(), (uid) => users.get(uid) ?? null);
  const store = openStore(resolve(options.database), proc);
  let startedUs: Us | undefined;
  let latestUs = 0;
  const write = (flows: FlowColumns, counters: CaptureCounters): void => {
    for (let i = 0; i < flows.count; i++) latestUs = Math.max(latestUs, flows.lastUs[i]!);
    if (startedUs === undefined) {
      startedUs = flows.count > 0 ? flows.firstUs[0]! : 0;
      store.beginCapture({ ...captureInfo(options, proc), startedUs });
    }
    store.write({ ...builder.take(), flows, counters, interfaces: [], clock: null, atUs: latestUs });
  };
  try {
    const onAnswer: FileSink['onAnswer'] = (serial, side, answer) => builder.addAnswer(serial, side, answer);
    const result = readFile(options.path, attributor, { onFlows: write, onAnswer, onProgress });
    if (attributor !== undefined) builder.addSockets(Number.POSITIVE_INFINITY);
    write(createColumns(FLOW_COLUMNS, 1), result.counters);
    store.endCapture(latestUs);
    return result;
  } finally {
    store.close();
  }
}

/** A file that is stored twice would double every sum. */
function refuseTwice(database: string, path: string): void {
  if (!existsSync(database)) return;
  const reader = Reader.open(database);
  const earlier = reader.all(compileCapturesOfFile(path));
  reader.close();
  if (earlier.length === 0) return;
  const hint = 'Choose another database: a second time, everything would count twice.';
  throw new UserError('already-stored', `${path} is stored in ${database} already`, hint);
}

/** A file has no boot: its own path stands for one, so that it never joins the processes of a live boot. */
function captureInfo(options: StoreFileOptions, proc: ProcFs): Omit<CaptureInfo, 'startedUs'> {
  return {
    interface: options.path,
    backend: 'file',
    filter: '',
    snaplen: 0,
    command: options.command,
    version: options.version,
    hostName: readHostName({ proc }) ?? 'unknown',
    bootId: resolve(options.path),
    netns: 0,
    sources: options.facts.length > 0 ? 'capture' : '',
  };
}
