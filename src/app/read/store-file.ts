import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Attributor } from '../../attribution/attributor.ts';
import { createColumns } from '../../core/columns.ts';
import { UserError } from '../../core/errors.ts';
import { FLOW_COLUMNS, type FlowColumns } from '../../core/flow.ts';
import type { FileNote, Maker } from '../../core/provenance.ts';
import type { CaptureCounters, CaptureInfo, InterfaceCount } from '../../core/tick.ts';
import type { Us } from '../../core/time.ts';
import { TRANSLATION_HISTORY_COLUMNS } from '../../core/translation.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { readHostName } from '../../linux/system.ts';
import type { InterfaceNumbers } from '../../pcap/interface-numbers.ts';
import { compileCapturesOfFile, FILE_SEPARATOR } from '../../store/compile-summary.ts';
import { compileInputsOfSize } from '../../store/provenance-writer.ts';
import { Reader } from '../../store/reader.ts';
import type { FlowOwners } from '../annotate/flow-owners.ts';
import { sha256OrNull } from '../files/file-hash.ts';
import { checkExists } from '../files/regular-file.ts';
import { FileMarks, type UsedFile } from '../provenance/file-marks.ts';
import { InterfaceCounts } from '../record/interface-counts.ts';
import type { FactsMessage } from '../record/messages.ts';
import { openStore } from '../record/open-store.ts';
import { TickBuilder } from '../record/tick-builder.ts';
import type { FileInput } from './file-input.ts';
import { type FileResult, type FileSink, readFiles } from './file-reading.ts';
import type { History } from './history.ts';

export interface StoreFileOptions extends Maker {
  readonly inputs: readonly FileInput[]; // pieces of one capture
  readonly interfaces: InterfaceNumbers;
  readonly decap: boolean;
  readonly follow: boolean;
  readonly stop: AbortSignal;
  readonly database: string;
  readonly facts: readonly FactsMessage[];
  readonly factsPath?: string | undefined;
  readonly history?: History | undefined;
  readonly historyPath?: string | undefined;
  readonly force?: boolean; // what is stored already may be stored again
  readonly userName: (uid: number) => string | null;
  readonly also?: Pick<FlowOwners, 'addFlows' | 'addAnswer'> | undefined; // is told the same
}

export interface StoredFiles extends FileResult {
  readonly files: readonly FileNote[];
}

/** Reads capture files into a database, as one capture. @throws UserError */
export async function storeFiles(options: StoreFileOptions, onProgress: FileSink['onProgress']): Promise<StoredFiles> {
  const proc = new ProcFs('/proc');
  const attributor = new Attributor();
  const builder = new TickBuilder(attributor, { userName: options.userName });
  for (const { path, fd } of options.inputs) if (fd === undefined) checkExists(path);
  const store = openStore(resolve(options.database), proc);
  const interfaceCounts = new InterfaceCounts((ifindex) => options.interfaces.nameOf(ifindex) !== null);
  let startedUs: Us | undefined;
  let latestUs = 0;
  const write = (flows: FlowColumns, counters: CaptureCounters, named: boolean): void => {
    for (let i = 0; i < flows.count; i++) latestUs = Math.max(latestUs, flows.lastUs[i]!);
    if (startedUs === undefined) {
      startedUs = flows.count > 0 ? flows.firstUs.subarray(0, flows.count).reduce((a, b) => Math.min(a, b)) : 0;
      store.beginCapture({ ...captureInfo(options, proc, named), startedUs });
    }
    store.write({
      ...builder.take(true),
      flows,
      counters,
      interfaces: countsOf(interfaceCounts, options.interfaces),
      namespaces: [],
      translations: createColumns(TRANSLATION_HISTORY_COLUMNS, 1),
      clock: null,
      atUs: latestUs,
    });
  };
  let marks: FileMarks | undefined;
  try {
    const known = knownHashes(resolve(options.database), options);
    marks = new FileMarks(usedFiles(options, known));
    const onFlows: FileSink['onFlows'] = (flows, ...more) => {
      options.also?.addFlows(flows);
      write(flows, ...more);
    };
    const onAnswer: FileSink['onAnswer'] = (serial, side, answer) => {
      options.also?.addAnswer(serial, side, answer);
      builder.addAnswer(serial, side, answer);
    };
    const onNames: FileSink['onNames'] = (found, flows, named) => {
      if (named) builder.hostNames.watch(flows);
      builder.hostNames.add(found);
    };
    const result = await readFiles(
      { ...options, attributor, interfaceCounts, byMinute: true },
      { onFlows, onAnswer, onNames, onProgress },
    );
    if (result.named) builder.addSockets(Number.POSITIVE_INFINITY);
    write(createColumns(FLOW_COLUMNS, 1), result.counters, result.named);
    const files = await marks.take();
    store.noteFiles({ atUs: Date.now() * 1000, command: options.command, version: options.version, files });
    store.endCapture(latestUs);
    return { ...result, files };
  } finally {
    marks?.stop();
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

function usedFiles(
  { inputs, factsPath, historyPath, follow }: StoreFileOptions,
  known: ReadonlyMap<string, string>,
): readonly UsedFile[] {
  const files: UsedFile[] = inputs.map(({ path, fd }, i) => {
    const isGrowing = fd !== undefined || (follow && i === inputs.length - 1);
    return { use: 'input', path: fd === undefined ? resolve(path) : path, isGrowing, sha256: known.get(path) };
  });
  if (factsPath !== undefined) files.push({ use: 'facts', path: resolve(factsPath) });
  if (historyPath !== undefined) files.push({ use: 'owners', path: resolve(historyPath) });
  return files;
}

/**
 * A file that is stored twice would double every sum: neither its path nor its octets may be there already. Only a file
 * as large as a stored one is hashed for that. (The store is open: it brought the schema up to date.)
 *
 * @returns hashes that had to be made, by path @throws UserError
 */
function knownHashes(database: string, { inputs, force }: StoreFileOptions): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  if (force) return known;
  const reader = Reader.open(database);
  try {
    for (const { path, fd } of inputs) {
      if (fd !== undefined) continue;
      if (reader.all(compileCapturesOfFile(path)).length > 0) throw storedAlready(path, database, '');
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats?.isFile() !== true) continue;
      const rivals = reader.all(compileInputsOfSize(stats.size));
      if (rivals.length === 0) continue;
      const hash = sha256OrNull(path);
      if (hash !== null) known.set(path, hash);
      const twin = rivals.find(({ sha256 }) => sha256 === hash);
      if (twin !== undefined) throw storedAlready(path, database, `, as ${twin.path}`);
    }
  } finally {
    reader.close();
  }
  return known;
}

function storedAlready(path: string, database: string, as: string): UserError {
  const hint = 'Choose another database, or --force it: a second time, everything counts twice.';
  return new UserError('already-stored', `${path} is stored in ${database} already${as}`, hint);
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
