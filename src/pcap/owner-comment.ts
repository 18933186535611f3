/**
 * The comment in which pcapid names the owners of a packet:
 * `pcapid flow=7 src.pid=4711 src.comm=curl src.cmdline="curl https://example.org/" dst.reason=not-local`.
 *
 * src is the sender of the packet that carries it. Fields that are not known are left out.
 */
import { MATCHES, type Match, REASONS, type Reason } from '../core/attribution.ts';
import { splitCommandLine } from '../core/command-line.ts';
import type { OwnerField } from '../core/owner-fields.ts';
import type { Value } from '../core/record.ts';
import type { Program } from '../core/tick.ts';
import { type NotedProcess, notedProcess } from './noted-process.ts';

const BEGIN = 'pcapid flow=';

/** Characters of a comment that are read: it has at most 65,535 octets. */
export const LONGEST_COMMENT = 0xffff;

/** Octets with which such a comment begins. */
const BEGIN_OCTETS = new TextEncoder().encode(BEGIN);

/** @param bytes of a comment */
export const speaksOfOwners = (bytes: Uint8Array): boolean => BEGIN_OCTETS.every((octet, i) => bytes[i] === octet);

/** What such a comment says of one end. */
export interface NotedOwner {
  readonly process: NotedProcess | undefined;
  readonly program: Program; // known in part also where the process is not
  readonly match: Match | null; // null: there was no evidence
  readonly gapUs: number;
  readonly holders: number;
  readonly reason: Reason | null;
}

/** Fields of one end, in the order in which they are written. */
export type OwnerFields = Readonly<Partial<Record<OwnerField, Value>>>;

export function formatOwnerComment(flow: number, src: OwnerFields, dst: OwnerFields): string {
  const words = [`${BEGIN}${flow}`];
  for (const [side, fields] of [['src', src] as const, ['dst', dst] as const]) {
    for (const [name, value] of Object.entries(fields)) {
      if (value !== null) words.push(`${side}.${name}=${quoted(String(value))}`);
    }
  }
  return words.join(' ');
}

/** Texts come escaped (core/text.ts), so \x with a code below 80 is free for what would end a word or a line. */
function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go
  const safe = text.replaceAll(/["\x00-\x1f\x7f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return /^[^\s]+$/.test(safe) ? safe : `"${safe}"`;
}

/** Owners of the sender and the receiver of a packet. @param text as decodeHostile() gave it: with `\` doubled */
export function parseOwnerComment(text: string): {
  readonly flow: number; // 0: it is no number
  readonly src: NotedOwner | undefined; // undefined: nothing is said of it
  readonly dst: NotedOwner | undefined;
} {
  const fields = new Map<string, string>();
  for (const [, name, inQuotes, plain] of text.matchAll(/ ([a-z_.]+)=(?:"([^"]*)"|(\S*))/g)) {
    if (!fields.has(name!)) fields.set(name!, unquoted(inQuotes ?? plain ?? ''));
  }
  const flow = Number(/^\d{1,15}(?= |$)/.exec(text.slice(BEGIN.length))?.[0] ?? 0);
  return { flow, src: ownerOf('src', fields), dst: ownerOf('dst', fields) };
}

function unquoted(text: string): string {
  return text
    .replaceAll('\\\\', '\\')
    .replaceAll(/\\\\|\\x([0-7][0-9a-f])/g, (all, code?: string) =>
      code === undefined ? all : String.fromCharCode(Number.parseInt(code, 16)),
    );
}

function ownerOf(side: string, fields: ReadonlyMap<string, string>): NotedOwner | undefined {
  const text = (name: string): string | null => fields.get(`${side}.${name}`) ?? null;
  const number = (name: string): number | null => {
    const value = text(name) ?? '';
    return /^\d{1,15}$/.test(value) ? Number(value) : null;
  };
  const program = { exe: text('exe'), unit: text('unit'), container: text('container'), uid: number('uid') };
  const gapUs = number('gap_us') ?? 0;
  const [match, reason] = [tokenOf(MATCHES, text('match')), tokenOf(REASONS, text('reason'))];
  const pid = number('pid');
  const hasPid = pid !== null && pid > 0 && pid <= 0xffffffff;
  if (!hasPid && match === null && reason === null) return undefined;
  const line = text('cmdline');
  const process = !hasPid
    ? undefined
    : notedProcess(pid, {
        ...program,
        startTicks: number('start'),
        comm: text('comm'),
        argv: line === null ? null : splitCommandLine(line),
        parentPid: number('ppid'),
        isLikely: text('confidence') === 'likely',
        gapUs,
      });
  return { process, program, match, gapUs, holders: number('holders') ?? 1, reason };
}

/** @returns null for what is no token of ours */
const tokenOf = <T extends string>(tokens: readonly (T | null)[], text: string | null): T | null =>
  tokens.find((token) => token === text) ?? null;
