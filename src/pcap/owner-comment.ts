/**
 * The comment in which pcapid names the owners of a packet:
 * `pcapid flow=7 src.pid=4711 src.comm=curl src.cmdline="curl https://example.org/" dst.reason=not-local`.
 *
 * src is the sender of the packet that carries it. Fields that are not known are left out.
 */
import { splitCommandLine } from '../core/command-line.ts';
import type { OwnerField } from '../core/owner-fields.ts';
import type { Value } from '../core/record.ts';
import { type NotedProcess, notedProcess } from './noted-process.ts';

const BEGIN = 'pcapid flow=';

export const speaksOfOwners = (text: string): boolean => text.startsWith(BEGIN);

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
  readonly src: NotedProcess | undefined;
  readonly dst: NotedProcess | undefined;
} {
  const fields = new Map<string, string>();
  for (const [, name, inQuotes, plain] of text.matchAll(/ ([a-z_.]+)=(?:"([^"]*)"|(\S*))/g)) {
    if (!fields.has(name!)) fields.set(name!, unquoted(inQuotes ?? plain ?? ''));
  }
  return { src: processOf('src', fields), dst: processOf('dst', fields) };
}

function unquoted(text: string): string {
  return text
    .replaceAll('\\\\', '\\')
    .replaceAll(/\\\\|\\x([0-7][0-9a-f])/g, (all, code?: string) =>
      code === undefined ? all : String.fromCharCode(Number.parseInt(code, 16)),
    );
}

function processOf(side: string, fields: ReadonlyMap<string, string>): NotedProcess | undefined {
  const text = (name: string): string | null => fields.get(`${side}.${name}`) ?? null;
  const number = (name: string): number | null => {
    const value = text(name) ?? '';
    return /^\d{1,15}$/.test(value) ? Number(value) : null;
  };
  const pid = number('pid');
  if (pid === null || pid === 0 || pid > 0xffffffff) return undefined;
  const line = text('cmdline');
  return notedProcess(pid, {
    startTicks: number('start'),
    comm: text('comm'),
    exe: text('exe'),
    argv: line === null ? null : splitCommandLine(line),
    uid: number('uid'),
    parentPid: number('ppid'),
    unit: text('unit'),
    container: text('container'),
    isLikely: text('confidence') === 'likely',
    gapUs: number('gap_us') ?? 0,
  });
}
