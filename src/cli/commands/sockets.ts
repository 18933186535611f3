import { Command, Option } from 'commander';
import { readSocketList } from '../../app/sockets/open-socket-list.ts';
import {
  filterSockets,
  PROTOCOLS,
  SOCKET_SORTS,
  type SocketFilter,
  sortSockets,
} from '../../app/sockets/socket-filter.ts';
import { UserError } from '../../core/errors.ts';
import { SOCKET_FIELDS } from '../../core/socket-record.ts';
import { decodeHostile } from '../../core/text.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { tryNative } from '../../native/binding.ts';
import { countText } from '../../report/size.ts';
import { SOCKET_DEFAULT_COLUMNS, socketColumns } from '../../report/socket-columns.ts';
import type { CommandModule, Context } from '../context.ts';
import { parseNumber } from '../filters.ts';
import { addFormatOptions, columnsOf, type FormatFlags, parseSort, printRows } from '../formats.ts';

interface SocketsFlags extends FormatFlags {
  readonly pid?: number;
  readonly process?: string;
  readonly user?: string;
  readonly port?: number;
  readonly proto?: string;
  readonly listening?: boolean;
  readonly all?: boolean;
  readonly inet?: boolean;
  readonly netns?: string;
  readonly sort: string;
}

const EXAMPLES = `
Examples:
  pcapid sockets                          internet sockets and their processes
  pcapid sockets -l --proto tcp           who listens
  pcapid sockets --port 443               at either end
  pcapid sockets -p 1234 --all            all of one process, as lsof -p
  pcapid sockets --netns blue             in that network namespace
  pcapid sockets --columns proto,local,recv_q,send_q,inode,processes
  pcapid sockets --format ndjson          every field, all kinds, a socket a line

nginx[12] +3 means that three more processes hold the socket; the column
'processes' names them. (no-permission) means that its process may not be seen
by this user.`;

export const sockets: CommandModule = (context) =>
  addFormatOptions(
    new Command('sockets')
      .addOption(new Option('-p, --pid <pid>', 'held by this process').argParser(parsePid))
      .option('--process <name>', 'held by a process of this name, or name or path of its executable')
      .option('--user <user>', 'owned by this user, name or uid')
      .addOption(new Option('--port <port>', 'port of either end').argParser(parsePort))
      .addOption(new Option('--proto <name>', 'protocol').choices(PROTOCOLS))
      .option('-l, --listening', 'only what waits for others')
      .option('-a, --all', 'also unix, packet and netlink sockets in a table')
      .option('--inet', 'only internet sockets in machine formats')
      .option('--netns <name>', 'in this network namespace: name, pid of a process in it, or path'),
  )
    .description('Lists sockets and all processes that hold them, as ss, lsof and netstat do.')
    .option('--sort <field>', `one of ${Object.keys(SOCKET_SORTS).join(', ')}`, 'protocol')
    .addHelpText('after', EXAMPLES)
    .action((flags: SocketsFlags) => printSockets(context, flags));

const parsePid = (text: string): number => parseNumber(text, '--pid', 1, 2 ** 22);
const parsePort = (text: string): number => parseNumber(text, '--port', 0, 65535);

function printSockets(context: Context, flags: SocketsFlags): void {
  const printing = { available: socketColumns(), defaults: SOCKET_DEFAULT_COLUMNS, fields: SOCKET_FIELDS };
  columnsOf(flags, printing);
  const order = parseSort(flags.sort, SOCKET_SORTS);
  const filter = filterOf(flags);
  const proc = new ProcFs('/proc');
  const all = readSocketList(tryNative(), flags.netns);
  const { sockets: found, hidden } = filterSockets(all, filter, (pid) => exeOf(proc, pid));
  const records = sortSockets(found, order).map(({ record }) => record);
  printRows(context, records, flags, printing);
  if (hidden > 0) context.err(hiddenText(hidden));
}

function filterOf(flags: SocketsFlags): SocketFilter {
  const { pid, process, user, port, proto, all, inet, format } = flags;
  if (all === true && inet === true) {
    throw new UserError('all-and-inet', '--all and --inet exclude each other', 'Leave one of them out.');
  }
  const isOther = proto === 'unix' || proto === 'packet' || proto === 'netlink';
  const onlyInet = inet === true || (format === 'table' && all !== true && !isOther);
  const given = { pid, process, user, port, protocol: proto };
  return {
    families: onlyInet ? 'inet' : 'all',
    listening: flags.listening === true,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

function exeOf(proc: ProcFs, pid: number): string | null {
  const link = proc.readLink(`${pid}/exe`);
  return link === undefined ? null : decodeHostile(Buffer.from(link, 'latin1'));
}

function hiddenText(hidden: number): string {
  const whose = hidden === 1 ? 'its process' : 'their processes';
  const help =
    process.geteuid?.() === 0
      ? 'some processes hide their descriptors even from root'
      : 'root, or SYS_PTRACE and DAC_READ_SEARCH, can see them';
  return `pcapid: ${countText(hidden, 'socket')}: ${whose} may not be seen; ${help}\n`;
}
