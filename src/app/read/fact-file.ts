/**
 * Facts about sockets and processes as lines of JSON, so that a recorded host can be replayed: the demo, tests.
 *
 * A line is one fact with `at_us`, microseconds since the epoch, and a `kind`: address, process, socket, holder, scan.
 */
import { formatAddress, isLinkLocal, parseAddress } from '../../core/address.ts';
import { createColumns, pushRow } from '../../core/columns.ts';
import { ParseError, UserError } from '../../core/errors.ts';
import { EXIT_COLUMNS, HOLDER_COLUMNS, type Process } from '../../core/process.ts';
import {
  CLOSED_COLUMNS,
  NO_UID,
  OWNER_COLUMNS,
  SOCKET_COLUMNS,
  SOURCES,
  type SocketColumns,
} from '../../core/socket.ts';
import type { Us } from '../../core/time.ts';
import {
  K_FIRST,
  K_META,
  K_PORTS,
  K_SCOPE,
  K_SECOND,
  KEY_WORDS,
  keyFirstPort,
  keyIpVersion,
  keyProtocol,
  keySecondPort,
  packMeta,
  packPorts,
} from '../../core/tuple.ts';
import type { FactsMessage } from '../record/messages.ts';

/** Longest line that is parsed; a process with 4 KiB of arguments takes a tenth of it. */
const MAX_LINE = 1 << 17;

type Line = Readonly<Record<string, unknown>>;

/** @param offsetUs realtime minus boottime, when the facts were seen */
export function formatFacts(facts: FactsMessage, offsetUs: Us): string {
  const at = (us: Us): number => Math.round(us + offsetUs);
  const lines: Line[] = [];
  if (facts.addresses !== null) {
    const text = (words: Int32Array): string => formatAddress(words);
    const { unicast, broadcast } = facts.addresses;
    lines.push({ kind: 'address', at_us: at(facts.atUs), unicast: unicast.map(text), broadcast: broadcast.map(text) });
  }
  for (const process of facts.processes) lines.push({ kind: 'process', at_us: at(facts.atUs), ...process });
  for (let i = 0; i < facts.sockets.count; i++) lines.push(socketLine(facts.sockets, i, at));
  const { holders } = facts;
  for (let i = 0; i < holders.count; i++) {
    const [inode, pid, startTicks, fd] = [holders.inode[i], holders.pid[i], holders.startTicks[i], holders.fd[i]];
    lines.push({ kind: 'holder', at_us: at(holders.seenUs[i]!), inode, pid, startTicks, fd });
  }
  if (facts.scan !== null) {
    const { startedUs, deniedUids, partlyDeniedUids } = facts.scan;
    lines.push({ kind: 'scan', at_us: at(startedUs), deniedUids, partlyDeniedUids });
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function socketLine(sockets: SocketColumns, i: number, at: (us: Us) => number): Line {
  const key = i * KEY_WORDS;
  return {
    kind: 'socket',
    at_us: at(sockets.seenUs[i]!),
    protocol: keyProtocol(sockets.key, key),
    version: keyIpVersion(sockets.key, key),
    local: [formatAddress(sockets.key, key + K_FIRST), keyFirstPort(sockets.key, key)],
    remote: [formatAddress(sockets.key, key + K_SECOND), keySecondPort(sockets.key, key)],
    ifindex: sockets.boundIfindex[i],
    inode: sockets.inode[i],
    cookie: sockets.cookie[i],
    uid: sockets.uid[i] === NO_UID ? null : sockets.uid[i],
    state: sockets.state[i],
    source: SOURCES[sockets.source[i]!],
  };
}

/**
 * Parses a file of facts; its messages are in the order of its lines.
 *
 * @throws UserError with the line that is not a fact
 */
export function parseFacts(text: string, path: string): readonly FactsMessage[] {
  const messages: FactsMessage[] = [];
  text.split('\n').forEach((line, n) => {
    if (line === '') return;
    try {
      messages.push(parseLine(line, path, n + 1));
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      throw new UserError('bad-facts', error.message, 'Facts are lines of JSON, as captures/README.md describes them.');
    }
  });
  return messages;
}

function parseLine(line: string, path: string, n: number): FactsMessage {
  const bad = (what: string): ParseError => new ParseError(path, n, what);
  if (line.length > MAX_LINE) throw bad('the line is too long');
  const fact = parseObject(line);
  if (fact === undefined) throw bad('not an object');
  const atUs = number(fact, 'at_us', bad);
  const message = { ...nothing(), atUs };
  switch (fact.kind) {
    case 'address':
      return {
        ...message,
        addresses: { unicast: addresses(fact.unicast, bad), broadcast: addresses(fact.broadcast, bad) },
      };
    case 'process':
      return { ...message, processes: [processOf(fact, bad)] };
    case 'socket':
      putSocket(fact, message.sockets, bad);
      return message;
    case 'holder':
      putHolder(fact, message, bad);
      return message;
    case 'scan':
      return { ...message, scan: { startedUs: atUs, ...denials(fact, bad), pids: new Uint32Array(0) } };
    default:
      throw bad(`unknown kind ${JSON.stringify(fact.kind)}`);
  }
}

type Bad = (what: string) => ParseError;

function parseObject(line: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Line) : undefined;
  } catch {
    return undefined;
  }
}

function nothing() {
  return {
    sockets: createColumns(SOCKET_COLUMNS, 1),
    holders: createColumns(HOLDER_COLUMNS, 1),
    owners: createColumns(OWNER_COLUMNS, 1),
    closed: createColumns(CLOSED_COLUMNS, 1),
    processes: [],
    exits: createColumns(EXIT_COLUMNS, 1),
    scan: null,
    addresses: null,
    factsLost: 0,
    looksSkipped: 0,
    lost: null,
    last: false,
  };
}

function number(fact: Line, name: string, bad: Bad): number {
  const value = fact[name];
  if (typeof value === 'number' && Number.isFinite(value)) return value; // JSON reads 1e999 as Infinity
  throw bad(`${name} is not a number`);
}

function textOrNull(fact: Line, name: string, bad: Bad): string | null {
  const value = fact[name] ?? null;
  if (value !== null && typeof value !== 'string') throw bad(`${name} is not a text`);
  return value;
}

function addresses(value: unknown, bad: Bad): readonly Int32Array[] {
  if (!Array.isArray(value)) throw bad('addresses are not a list');
  return value.map((text) => addressOf(text, bad));
}

function addressOf(text: unknown, bad: Bad): Int32Array {
  const words = typeof text === 'string' ? parseAddress(text) : undefined;
  if (words === undefined) throw bad(`${JSON.stringify(text)} is not an address`);
  return words;
}

function processOf(fact: Line, bad: Bad): Process {
  const argv = fact.argv ?? null;
  if (argv !== null && !(Array.isArray(argv) && argv.every((word) => typeof word === 'string'))) throw bad('argv');
  return {
    pid: number(fact, 'pid', bad),
    startTicks: number(fact, 'startTicks', bad),
    parentPid: number(fact, 'parentPid', bad),
    comm: textOrNull(fact, 'comm', bad) ?? '',
    exe: textOrNull(fact, 'exe', bad),
    argv,
    uid: number(fact, 'uid', bad),
    cgroup: textOrNull(fact, 'cgroup', bad),
    unit: textOrNull(fact, 'unit', bad),
    container: textOrNull(fact, 'container', bad),
    netns: number(fact, 'netns', bad),
    forked: fact.forked === true,
  };
}

function putSocket(fact: Line, out: SocketColumns, bad: Bad): void {
  const row = pushRow(out);
  const at = row * KEY_WORDS;
  const [local, localPort] = endpoint(fact.local, bad);
  const [remote, remotePort] = endpoint(fact.remote, bad);
  const ifindex = number(fact, 'ifindex', bad);
  out.key[at + K_META] = packMeta(number(fact, 'protocol', bad), number(fact, 'version', bad), 0);
  out.key[at + K_PORTS] = packPorts(localPort, remotePort);
  out.key[at + K_SCOPE] = isLinkLocal(local) || isLinkLocal(remote) ? ifindex : 0;
  out.key.set(local, at + K_FIRST);
  out.key.set(remote, at + K_SECOND);
  out.boundIfindex[row] = ifindex;
  out.inode[row] = number(fact, 'inode', bad);
  out.cookie[row] = number(fact, 'cookie', bad);
  out.uid[row] = fact.uid === null ? NO_UID : number(fact, 'uid', bad);
  out.state[row] = number(fact, 'state', bad);
  out.source[row] = Math.max(0, (SOURCES as readonly unknown[]).indexOf(fact.source));
  out.seenUs[row] = number(fact, 'at_us', bad);
}

function endpoint(value: unknown, bad: Bad): readonly [Int32Array, number] {
  const port: unknown = Array.isArray(value) ? value[1] : undefined;
  const isPort = typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 0xffff;
  if (!Array.isArray(value) || !isPort) throw bad('an end is not [address, port]');
  return [addressOf(value[0], bad), port];
}

function putHolder(fact: Line, { holders }: Pick<FactsMessage, 'holders'>, bad: Bad): void {
  const row = pushRow(holders);
  holders.inode[row] = number(fact, 'inode', bad);
  holders.pid[row] = number(fact, 'pid', bad);
  holders.startTicks[row] = number(fact, 'startTicks', bad);
  holders.fd[row] = number(fact, 'fd', bad);
  holders.seenUs[row] = number(fact, 'at_us', bad);
}

function denials(fact: Line, bad: Bad): { deniedUids: readonly number[]; partlyDeniedUids: readonly number[] } {
  const uids = (value: unknown): readonly number[] => {
    if (!Array.isArray(value) || !value.every((uid) => typeof uid === 'number')) throw bad('uids are not numbers');
    return value;
  };
  return { deniedUids: uids(fact.deniedUids), partlyDeniedUids: uids(fact.partlyDeniedUids) };
}
