/** The files that a capture is split into. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { Output } from '../../pcap/output.ts';
import { OpenFiles } from '../files/open-files.ts';
import { OutputFile, refuseSameFile } from '../files/output-file.ts';
import type { FlowRoutes } from './owner-edits.ts';
import { FileNames } from './owner-groups.ts';
import type { OwnerPlan, Owners } from './owner-plan.ts';

/** Octets that wait for all files together. */
const WAITING = 64 << 20;
const UNKNOWN = 'unknown'; // packets without an owner

export interface OwnerFilesOptions {
  readonly input: string;
  readonly folder: string; // made if it is not there
  readonly force: boolean; // files in it may be replaced
}

export interface OwnersFile {
  readonly owner: string | null; // null: packets without one
  readonly path: string;
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number; // on the wire
  readonly sha256: string;
}

interface Part {
  readonly owner: string | null;
  readonly path: string;
  readonly file: OutputFile;
  readonly out: Output;
  flows: number;
  packets: number;
  bytes: number;
}

/** Where packets of the same owners go. */
interface Route {
  readonly parts: readonly Part[];
  readonly outputs: readonly Output[];
  readonly reason: string | null; // why there is no owner
  packets: number;
}

/** A file for each owner, and one for packets without any. */
export class OwnerFiles implements FlowRoutes {
  readonly outputs: readonly Output[];
  readonly #parts: Part[] = [];
  readonly #routes: readonly Route[];
  readonly #routeOf: Int32Array; // by serial
  readonly #open = new OpenFiles();

  /** @throws UserError when a file is there already, or cannot be made */
  constructor(options: OwnerFilesOptions, { groups, owners, ofFlow }: OwnerPlan) {
    this.#routeOf = ofFlow;
    makeFolder(options.folder);
    const names = new FileNames();
    const size = Math.floor(WAITING / (groups.length + 1));
    try {
      const unknown = this.#add(options, null, names.take(UNKNOWN), size); // the first to take its name gets it
      const parts = groups.map(({ name, stem }) => this.#add(options, name, names.take(stem), size));
      this.outputs = this.#parts.map(({ out }) => out);
      this.#routes = owners.map((one) => routeTo(one, parts, unknown));
    } catch (error) {
      this.abandon();
      throw error;
    }
    for (const at of ofFlow.subarray(1)) for (const part of this.#routes[at]!.parts) part.flows++;
  }

  route(serial: number, origLen: number): readonly Output[] {
    const route = this.#routes[this.#routeOf[serial]!]!;
    route.packets++;
    for (const part of route.parts) {
      part.packets++;
      part.bytes += origLen;
    }
    return route.outputs;
  }

  get unknown(): ReadonlyMap<string, number> {
    return new Map(
      this.#routes.flatMap(({ reason, packets }) => (reason === null || packets === 0 ? [] : [[reason, packets]])),
    );
  }

  finish(): readonly OwnersFile[] {
    const kept = this.#parts.filter(({ packets }) => packets > 0);
    for (const { out } of kept) out.flush();
    const files = kept.map(({ owner, path, flows, packets, bytes, file }) => ({
      ...{ owner, path, flows, packets, bytes },
      sha256: file.finish(),
    }));
    const rank = ({ owner, bytes }: OwnersFile): number => (owner === null ? -1 : bytes);
    return files.sort((a, b) => rank(b) - rank(a));
  }

  /** Leaves nothing behind of what was not finished. */
  abandon(): void {
    for (const { file } of this.#parts) file.abandon();
  }

  #add({ input, folder, force }: OwnerFilesOptions, owner: string | null, name: string, size: number): Part {
    const path = join(folder, name);
    refuseSameFile(input, path);
    const hint = 'Name another folder with --dir, or replace its files with --force.';
    const file = new OutputFile(path, { force, hint }, this.#open);
    const part = { owner, path, file, out: new Output(file.write, size), flows: 0, packets: 0, bytes: 0 };
    this.#parts.push(part);
    return part;
  }
}

function routeTo(owners: Owners, parts: readonly Part[], unknown: Part): Route {
  const isOwned = typeof owners !== 'string';
  const own = isOwned ? owners.map((place) => parts[place]!) : [unknown];
  return { parts: own, outputs: own.map(({ out }) => out), reason: isOwned ? null : owners, packets: 0 };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 }); // its files say who talked to whom
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError('bad-output', `${folder} cannot be made a folder (${code})`, 'Name another folder with --dir.');
  }
}
