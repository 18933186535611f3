/** Names of services from /etc/services, services(5). */
import { decodeHostile } from '../core/text.ts';
import type { ProcFs } from './proc-fs.ts';

const LINE = /^[ \t]*([^#\s]+)[ \t]+(\d{1,5})\/([a-z-]{1,16})(?=$|[\s#])/;

/**
 * `443/tcp` to name. Of two names for one port the first counts, as in getservbyport(3); lines of another form are left out.
 *
 * @param text whole file, one character an octet
 */
export function parseServices(text: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const line of text.split('\n')) {
    const m = LINE.exec(line);
    if (m === null) continue;
    const service = `${Number(m[2])}/${m[3]}`;
    if (!names.has(service)) names.set(service, decodeHostile(Buffer.from(m[1]!, 'latin1')));
  }
  return names;
}

/** @param etc root /etc, or a fixture. @returns no names where there is no such file */
export function readServices(etc: ProcFs): ReadonlyMap<string, string> {
  return parseServices(etc.readText('services') ?? '');
}
