import { UserError } from '../../core/errors.ts';
import type { Maker } from '../../core/provenance.ts';
import { Output } from '../../pcap/output.ts';
import type { CopyCounts } from '../../pcap/packet-edits.ts';
import { FileHash } from '../files/file-hash.ts';
import { OutputFile, refuseSameFile } from '../files/output-file.ts';
import { regularFileSize } from '../files/regular-file.ts';
import type { FileInput } from '../read/file-input.ts';
import { copyPackets } from './copy-packets.ts';
import { FlowFinder } from './flow-finder.ts';
import { FlowOwners } from './flow-owners.ts';
import { headingOf } from './heading.ts';
import { type FlowRoutes, OwnerEdits } from './owner-edits.ts';
import type { OwnerStyle } from './owner-style.ts';

export interface CopyRequest extends Maker {
  readonly style: OwnerStyle;
  readonly serials?: readonly number[]; // flows whose packets are written; absent: all packets
  readonly decap?: boolean; // as the flows were read
  readonly onProgress: (bytesRead: number, packets: number) => void; // after the first reading
}

export interface Written {
  readonly counts: CopyCounts;
  readonly inputHashes: readonly string[]; // SHA-256, hexadecimal
  readonly outputHash: string;
}

/**
 * Packets of capture files with their owners in a file of their own. It is opened before the inputs are read, for their
 * owners, and written when these are known.
 */
export class AnnotatedFile {
  readonly owners = new FlowOwners();
  readonly inputs: readonly FileInput[]; // to be read: their octets are hashed meanwhile
  readonly #paths: readonly string[];
  readonly #hashes: readonly FileHash[];
  readonly #size: number; // octets of all inputs
  readonly #file: OutputFile;

  /** @throws UserError for an input that cannot be read twice, and when the output cannot be written */
  constructor(paths: readonly string[], output: string, { force }: { readonly force: boolean }) {
    this.#paths = paths;
    this.#size = paths.map(regularFileSize).reduce((sum, size) => sum + size, 0);
    for (const path of paths) refuseSameFile(path, output);
    this.#hashes = paths.map(() => new FileHash());
    this.inputs = paths.map((path, i) => ({ path, onOctets: this.#hashes[i]!.take }));
    this.#file = new OutputFile(output, { force });
  }

  async write(options: CopyRequest): Promise<Written> {
    const { style, serials, decap = false, onProgress } = options;
    const inputHashes = this.#hashes.map((hash, i) => hash.finish(this.#paths[i]!));
    const out = new Output(this.#file.write);
    const routes = serials === undefined ? allTo(out) : someTo(out, serials, this.owners.count);
    const edits = new OwnerEdits(new FlowFinder(this.owners.tuples), style, routes);
    const counts: CopyCounts = { packets: 0, marked: 0, refused: 0 };
    let before = this.#size;
    for (const [i, input] of this.#paths.entries()) {
      const heading = headingOf(options, inputHashes[i]!);
      const progress = (at: number, packets: number) => onProgress(before + at, counts.packets + packets);
      const more = await copyPackets({ input, decap, heading, onProgress: progress }, edits).catch(noneOfNoCapture);
      counts.packets += more.packets;
      counts.marked += more.marked;
      counts.refused += more.refused;
      before += regularFileSize(input);
    }
    out.flush();
    return { counts, inputHashes, outputHash: this.#file.finish() };
  }

  /** Leaves nothing behind, unless it was written. */
  abandon(): void {
    this.#file.abandon();
  }
}

/** An input that is no capture was left out when it was read for owners, and somebody was told. */
function noneOfNoCapture(error: unknown): CopyCounts {
  if (error instanceof UserError && error.code === 'not-pcap') return { packets: 0, marked: 0, refused: 0 };
  throw error;
}

function allTo(out: Output): FlowRoutes {
  const outputs = [out];
  return { outputs, route: () => outputs };
}

/** @param flows how many there are */
function someTo(out: Output, serials: readonly number[], flows: number): FlowRoutes {
  const isWanted = new Uint8Array(flows + 1);
  for (const serial of serials) isWanted[serial] = 1;
  const outputs = [out];
  const nowhere: readonly Output[] = [];
  return { outputs, route: (serial) => (isWanted[serial] === 1 ? outputs : nowhere) };
}
