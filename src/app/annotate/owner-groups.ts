/** Whose file the packets of a flow's end go into, and how that file is called. */
import { answerFields } from '../../attribution/answer-fields.ts';
import type { Answer } from '../../attribution/attribute.ts';

/** What an owner is. */
const OWNERS = ['process', 'pid', 'user', 'unit', 'container'] as const;
type OwnedBy = (typeof OWNERS)[number];

export const SPLITS = [...OWNERS, 'remote'] as const;
export type SplitBy = (typeof SPLITS)[number];

export interface OwnerGroup {
  readonly key: string; // what tells it from others
  readonly name: string; // what people call it
  readonly stem: string; // that of its file, before it is made safe
}

/** @returns undefined when the end has no such owner */
export function groupOf(by: OwnedBy, answer: Answer, userName: (uid: number) => string | null): OwnerGroup | undefined {
  const { pid, comm, exe, uid, unit, container } = answerFields(answer);
  const process = comm ?? (exe === null ? null : exe.slice(exe.lastIndexOf('/') + 1)) ?? (pid && `process ${pid}`);
  switch (by) {
    case 'process':
      return group(process);
    case 'user':
      return group(uid === null ? null : (userName(uid) ?? String(uid)));
    case 'unit':
      return group(unit);
    case 'container':
      return group(container);
    case 'pid': {
      if (pid === null) return undefined;
      const called = comm ?? '';
      const key = `${pid} ${answer.process?.startTicks}`;
      return { key, name: `${called}[${pid}]`, stem: called === '' ? `${pid}` : `${called}-${pid}` };
    }
  }
}

/** The other end of a conversation. @param address text of RFC 5952 */
export const remoteGroup = (address: string): OwnerGroup => ({
  ...{ key: address, name: address },
  stem: address.replaceAll(':', '-'), // people type it
});

const group = (name: string | null | 0): OwnerGroup | undefined => (name ? { key: name, name, stem: name } : undefined);

/** Octets of a name; with what is put before and behind it a file system takes at most 255. */
const LONGEST = 150;
const SAFE = /^[\p{L}\p{N}._@+=,-]$/u;

/** Names of files that nobody's name can lead out of their folder, hide, or give to two owners. */
export class FileNames {
  readonly #taken = new Map<string, number>(); // name without case -> how often it was asked for

  /** @param stem hostile text */
  take(stem: string): string {
    const name = safeName(stem);
    const lower = name.toLowerCase(); // some file systems do not see the difference
    const times = (this.#taken.get(lower) ?? 0) + 1;
    this.#taken.set(lower, times);
    return times === 1 ? `${name}.pcapng` : `${name}~${times}.pcapng`; // no safe name has a tilde
  }
}

/** All but letters, digits and a few signs becomes %XX, as does a sign in front that would hide it or make it an option. */
function safeName(stem: string): string {
  let name = '';
  let octets = 0;
  for (const character of stem) {
    const isSafe = SAFE.test(character) && !(name === '' && /[.-]/.test(character));
    const bytes = Buffer.from(character);
    const part = isSafe ? character : [...bytes].map((octet) => `%${octet.toString(16).padStart(2, '0')}`).join('');
    octets += isSafe ? bytes.length : part.length;
    if (octets > LONGEST) break;
    name += part;
  }
  return name;
}
