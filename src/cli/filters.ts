/** The filters that flows, processes and usage share. */
import { domainToASCII } from 'node:url';
import { type Command, Option } from 'commander';
import { addressBytes, parseAddress } from '../core/address.ts';
import { UserError } from '../core/errors.ts';
import type { Us } from '../core/time.ts';
import { protocolNumber } from '../core/tuple.ts';
import type { Zone } from '../report/local-time.ts';
import type { AddressRange, FlowFilter, NameFilter } from '../store/conditions.ts';
import { parseTime } from './time-range.ts';

/** What commander hands over for addFilterOptions(). */
export interface FilterFlags {
  readonly process?: string;
  readonly pid?: number;
  readonly user?: string;
  readonly unit?: string;
  readonly container?: string;
  readonly remote?: AddressRange;
  readonly name?: NameFilter;
  readonly port?: number;
  readonly proto?: number;
  readonly since?: string;
  readonly until?: string;
}

export function addFilterOptions(command: Command): Command {
  return command
    .option('--since <time>', "flows that lasted beyond this time, e.g. 10m, 'yesterday 14:00', 2026-11-21")
    .option('--until <time>', 'flows that began before this time')
    .option('--process <name>', 'process name, or name or path of its executable')
    .addOption(new Option('--pid <pid>', 'process id').argParser((text) => parseNumber(text, '--pid', 1, 2 ** 22)))
    .option('--user <user>', 'user name or uid')
    .option('--unit <unit>', 'systemd unit, e.g. nginx or nginx.service')
    .option('--container <id>', 'container name, or the first digits of its id')
    .addOption(new Option('--remote <cidr>', 'address or network of the other end').argParser(parseCidr))
    .addOption(
      new Option(
        '--name <host>',
        'host name of the other end; *.example.org: all below, .example.org: it too',
      ).argParser(parseName),
    )
    .addOption(
      new Option('--port <port>', 'port of either end').argParser((text) => parseNumber(text, '--port', 0, 65535)),
    )
    .addOption(new Option('--proto <name>', 'tcp, udp, icmp, icmp6, sctp ... or a number').argParser(parseProtocol));
}

export function filterOf(flags: FilterFlags, nowUs: Us, zone: Zone): FlowFilter {
  const { process, pid, user, unit, container, remote, name, port } = flags;
  const given = {
    process,
    pid,
    user,
    unit,
    container,
    remote,
    name,
    port,
    protocol: flags.proto,
    ...rangeOf(flags, nowUs, zone),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function rangeOf({ since, until }: FilterFlags, nowUs: Us, zone: Zone) {
  const sinceUs = since === undefined ? undefined : parseTime(since, '--since', nowUs, zone);
  const untilUs = until === undefined ? undefined : parseTime(until, '--until', nowUs, zone);
  if (sinceUs !== undefined && untilUs !== undefined && sinceUs >= untilUs) {
    throw new UserError('empty-range', '--since is not before --until', 'Exchange them, or widen the range.');
  }
  return { sinceUs, untilUs };
}

export function parseNumber(text: string, flag: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d{1,15}$/.test(text) && number >= least && number <= most) return number;
  throw new UserError('bad-number', `${flag}: '${text}' is not valid`, `Use a whole number from ${least} to ${most}.`);
}

export function parseProtocol(text: string): number {
  const protocol = protocolNumber(text);
  if (protocol !== undefined) return protocol;
  const hint = 'Use tcp, udp, icmp, icmp6, sctp, udplite, gre, esp ... or a number from 0 to 255.';
  throw new UserError('bad-protocol', `--proto: there is no protocol '${text}'`, hint);
}

/** `example.org`, `*.example.org` for what is below it, `.example.org` for both. Names are stored in lower case. */
export function parseName(text: string): NameFilter {
  const below = /^\*?\./.exec(text)?.[0];
  const rest = text.slice(below?.length ?? 0).replace(/\.$/, '');
  const name = domainToASCII(rest) || rest.toLowerCase(); // as it is on the wire, where it is a domain name at all
  if (/^[^*\s]+$/.test(name)) return { name, itself: below !== '*.', below: below !== undefined };
  const hint = 'Write example.org, *.example.org for all names below it, or .example.org for both.';
  throw new UserError('bad-name', `--name: '${text}' is not a host name`, hint);
}

/** `10.0.0.0/8`, `2001:db8::/32` or one address; bits beyond the prefix are ignored. RFC 4632, RFC 4291. */
export function parseCidr(text: string): AddressRange {
  const [address = '', prefix, ...rest] = text.split('/');
  const words = parseAddress(address);
  const bytes = words === undefined ? undefined : addressBytes(words);
  const most = (bytes?.length ?? 0) * 8;
  const bits = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (bytes === undefined || rest.length > 0 || !(bits <= most)) {
    throw new UserError(
      'bad-cidr',
      `--remote: '${text}' is not a network`,
      'Write 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32.',
    );
  }
  const bound = (fill: number) => bytes.map((octet, i) => maskedOctet(octet, bits - 8 * i, fill));
  return { first: bound(0x00), last: bound(0xff) };
}

/** @param bits of the prefix that lie in this octet or after it; negative: none */
function maskedOctet(octet: number, bits: number, fill: number): number {
  const mask = bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff;
  return (octet & mask) | (fill & ~mask & 0xff);
}
