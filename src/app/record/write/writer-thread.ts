/** The thread that writes packets into capture files. Started by the recorder with WriterThreadData. */
import { type MessagePort, workerData } from 'node:worker_threads';
import { UserError } from '../../../core/errors.ts';
import { loadNative } from '../../../native/binding.ts';
import { type Style, styleOf } from '../../annotate/styles.ts';
import { Clock } from '../clock.ts';
import type { WriterCommand, WriterReport } from '../messages.ts';
import { reportFailure, runThread } from '../thread.ts';
import { CaptureFiles, type CaptureFilesOptions, STDOUT, WriteFailure } from './capture-files.ts';
import { PacketRing } from './packet-ring.ts';
import { PacketWriter, type WrittenCapture } from './packet-writer.ts';
import { ToldOwners } from './told-owners.ts';

export interface WriterThreadData {
  readonly files: CaptureFilesOptions;
  readonly capture: WrittenCapture;
  readonly style: Style;
  readonly every: boolean; // every packet is marked, not only the first of its flow
  readonly ring: SharedArrayBuffer;
  readonly commands: MessagePort;
}

/** How often the ring is looked into: packets wait longer for their owners. */
const TURN_MS = 100;
/** After a failure. */
const RETRY_MS = 1000;
/** A recording that ends waits so often for who reads the pipe, a tenth of a second each. */
const LAST_TRIES = 5;
/** A pipe whose reader is slow: the ring holds what it did not take yet. */
const STUCK = 'EAGAIN';

class WriterThread {
  readonly #port: MessagePort;
  readonly #path: string;
  readonly #files: CaptureFiles;
  readonly #owners = new ToldOwners();
  readonly #writer: PacketWriter;
  readonly #clock = new Clock(loadNative());
  #timer: NodeJS.Timeout | undefined;
  #isStuck = false;
  #stuckWith = { code: '', lost: 0 }; // what was lost when it began to be stuck
  #failure: string | null = null; // because of which packets are lost
  #isUnread = false; // the reader of the pipe has gone

  constructor({ files, capture, style, every, ring, commands }: WriterThreadData) {
    this.#path = files.path;
    this.#files = new CaptureFiles(files, (file) => this.#say({ kind: 'whole', file }));
    const parts = { ring: new PacketRing(ring), owners: this.#owners, files: this.#files };
    this.#writer = new PacketWriter({ ...parts, style: styleOf(style, this.#owners, every) }, capture);
    this.#port = commands;
    this.#port.on('message', (command: WriterCommand) => this.#take(command));
  }

  #take(command: WriterCommand): void {
    if (command.kind === 'begin') this.#begin();
    else if (command.kind === 'drops') this.#writer.noteDrops(command.drops);
    else if (command.kind === 'interfaces') for (const named of command.interfaces) this.#writer.nameInterface(named);
    else if (command.kind === 'owners') this.#owners.learn(command, this.#clock.nowUs());
    else this.#end();
  }

  #begin(): void {
    try {
      this.#writer.begin(new Date());
    } catch (error) {
      if (isGone(error)) {
        this.#say({ kind: 'ready' }); // a recording that ends at once is in order, too
        this.#leave();
        return;
      }
      this.#files.abandon();
      if (!(error instanceof UserError || error instanceof WriteFailure)) throw error;
      const text = `${this.#path} cannot be written (${error.message})`;
      const failure = error instanceof UserError ? error : new UserError('output-file', text, 'Name another file.');
      reportFailure(this.#port, failure);
      return;
    }
    this.#say({ kind: 'ready' });
    this.#again(TURN_MS);
  }

  #again(afterMs: number): void {
    this.#timer = setTimeout(() => this.#turn(), afterMs);
  }

  #turn(): void {
    try {
      this.#writer.work(this.#clock.nowUs());
    } catch (error) {
      if (!this.#isBearable(error)) return;
      this.#again(isSlowReader(error) ? 0 : RETRY_MS);
      return;
    }
    if (this.#isStuck) this.#say({ kind: 'trouble', text: `packets are written to ${this.#path} again` });
    this.#noteFailure(this.#writer.lost);
    this.#isStuck = false;
    this.#again(TURN_MS);
  }

  /** @returns false: there is nobody to write for */
  #isBearable(error: unknown): boolean {
    if (!(error instanceof WriteFailure || error instanceof UserError)) throw error;
    if (isGone(error)) {
      this.#leave();
      return false;
    }
    if (!this.#isStuck && !isSlowReader(error)) {
      const what = `packets cannot be written to ${this.#path} (${error.message}): the newest wait, what has no room is lost`;
      this.#say({ kind: 'trouble', text: `${what}. The database is written as before` });
      this.#isStuck = true;
      this.#stuckWith = { code: error.message, lost: this.#writer.lost };
    }
    return true;
  }

  /** @param lost packets until now */
  #noteFailure(lost: number): void {
    if (this.#isStuck && lost > this.#stuckWith.lost) this.#failure = this.#stuckWith.code;
  }

  #leave(): void {
    this.#isUnread = true;
    const what = this.#path === STDOUT ? 'standard output' : this.#path;
    this.#say({ kind: 'trouble', text: `nobody reads ${what} any more: the recording ends` });
    this.#say({ kind: 'unread' });
  }

  #end(): void {
    clearTimeout(this.#timer);
    for (let tries = 0; tries < LAST_TRIES; tries++) {
      try {
        this.#writer.work(Infinity);
        break;
      } catch (error) {
        if (isSlowReader(error)) continue;
        if (!isGone(error)) this.#isBearable(error);
        break; // end() counts what is left
      }
    }
    const counts = this.#writer.end();
    this.#noteFailure(counts.lost);
    this.#say({ kind: 'closed', counts: { ...counts, isUnread: this.#isUnread, failure: this.#failure } });
    this.#port.close();
  }

  #say(report: WriterReport): void {
    this.#port.postMessage(report);
  }
}

const isGone = (error: unknown): boolean => error instanceof WriteFailure && error.code === 'EPIPE';
const isSlowReader = (error: unknown): boolean => error instanceof WriteFailure && error.code === STUCK;

runThread(workerData as WriterThreadData, (data) => void new WriterThread(data));
