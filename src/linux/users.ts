/** Names of users from /etc/passwd, passwd(5). Users that only a directory service knows stay numbers. */
import { decodeHostile } from '../core/text.ts';
import type { ProcFs } from './proc-fs.ts';

/**
 * Uid to name. Lines of another form are left out; of two names for one uid the first counts, as in getpwuid(3).
 *
 * @param text whole file, one character an octet
 */
export function parsePasswd(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const m = /^([^:#+-][^:]*):[^:]*:(\d{1,10}):/.exec(line); // + and - lines belong to nss_compat
    if (m === null) continue;
    const uid = Number(m[2]);
    if (uid <= 0xffffffff && !names.has(uid)) names.set(uid, decodeHostile(Buffer.from(m[1]!, 'latin1')));
  }
  return names;
}

/** The names of this host, reread when the file changed. */
export class UserNames {
  readonly #etc: ProcFs;
  #names: ReadonlyMap<number, string> = new Map();
  #version: string | undefined;

  /** @param etc root /etc, or a fixture */
  constructor(etc: ProcFs) {
    this.#etc = etc;
    this.refresh();
  }

  /** To be called now and then (one stat when nothing changed); returns whether names were read anew. */
  refresh(): boolean {
    const version = this.#etc.version('passwd');
    if (version === this.#version) return false;
    const text = version === undefined ? undefined : this.#etc.readText('passwd');
    this.#version = text === undefined ? undefined : version; // replaced in between: the next call reads it
    this.#names = text === undefined ? new Map() : parsePasswd(text);
    return true;
  }

  get(uid: number): string | undefined {
    return this.#names.get(uid);
  }
}
