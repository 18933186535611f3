/** Comments of packets in which ptcpdump (internal/writer/pcapng.go) and rustnet (pcapng_export.rs) name processes. */
import { type NotedProcess, notedProcess } from './noted-process.ts';

export interface NotedComment {
  readonly process: NotedProcess;
  readonly way: 'outgoing' | 'incoming' | undefined;
}

/** Whether it is worth to look into the comment. */
export const speaksOfProcess = (text: string): boolean => text.startsWith('PID: ') || text.startsWith('rustnet ');

/** @param text all comments of one packet, joined by line ends */
export function parseProcessComment(text: string): NotedComment | undefined {
  return text.startsWith('rustnet ') ? parseRustnet(text) : parsePtcpdump(text);
}

/** Lines `Key: value`; what comes first counts, because arguments may contain line ends. */
function parsePtcpdump(text: string): NotedComment | undefined {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(': ');
    const key = line.slice(0, colon);
    if (colon > 0 && !values.has(key)) values.set(key, line.slice(colon + 2));
  }
  const pid = numberOf(values.get('PID'));
  if (pid === null || pid === 0) return undefined;
  const command = values.get('Cmd') || null;
  const args = values.get('Args') || null;
  const process = notedProcess(pid, {
    comm: command === null ? null : nameOf(command),
    exe: command?.startsWith('/') ? command : null,
    argv: args === null ? null : args.split(' '), // joined by spaces when it was written
    uid: numberOf(values.get('UserId')),
    parentPid: numberOf(values.get('ParentPID')),
    container: values.get('ContainerId') || values.get('ContainerName') || null,
  });
  return { process, way: undefined };
}

/** Words `key=value`; blanks inside values were replaced. */
function parseRustnet(text: string): NotedComment | undefined {
  const values = new Map<string, string>();
  for (const word of text.split(/\s+/)) {
    const equals = word.indexOf('=');
    if (equals > 0) values.set(word.slice(0, equals), word.slice(equals + 1));
  }
  const pid = numberOf(values.get('pid'));
  if (pid === null || pid === 0) return undefined;
  const process = notedProcess(pid, {
    comm: values.get('process') || null,
    uid: numberOf(values.get('uid')),
    parentPid: numberOf(values.get('ppid')),
    container: values.get('container_id') || values.get('container') || null,
  });
  const way = values.get('direction');
  return { process, way: way === 'outgoing' || way === 'incoming' ? way : undefined };
}

/** Thirty-two bits, without a sign. */
function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= 0xffffffff ? Number(text) : null;
}

const nameOf = (command: string): string => command.slice(command.lastIndexOf('/') + 1);
