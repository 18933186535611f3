import { dirname } from 'node:path';
import { Command, Option } from 'commander';
import { examine, REAL_ROOTS, startChecks } from '../../app/doctor/doctor.ts';
import { tryKernelPrograms } from '../../app/doctor/doctor-bpf.ts';
import { InterfaceNames } from '../../app/record/interface-names.ts';
import { KernelOctets } from '../../app/record/kernel-octets.ts';
import { findCgroupRoot } from '../../app/record/kernel-programs.ts';
import { NETLINK_ROUTE, openNetlink } from '../../app/record/netlink-transport.ts';
import { type NamedPlace, placesOf } from '../../app/record/netns-places.ts';
import { SOURCE_NAMES, type SourceName } from '../../app/record/observe/open-sources.ts';
import {
  Capability,
  capabilitiesFor,
  capabilityMask,
  readCapabilities,
  reducePrivileges,
} from '../../app/record/privileges.ts';
import { Recorder } from '../../app/record/recorder.ts';
import { UserError } from '../../core/errors.ts';
import { ContainerNames } from '../../linux/container.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { parseNamespaceLink } from '../../linux/proc-pid.ts';
import { type Link, Route } from '../../linux/route.ts';
import { readBootId, readHostName } from '../../linux/system.ts';
import { UserNames } from '../../linux/users.ts';
import { loadNative, type Native } from '../../native/binding.ts';
import { prepareFolder } from '../../store/database-file.ts';
import { readConfig } from '../config-file.ts';
import { applyConfig, collect, configuredFilter } from '../configured-options.ts';
import type { CommandModule, Context } from '../context.ts';
import { resolveDatabaseToWrite } from '../database-path.ts';
import { LiveLine } from '../live-line.ts';
import { KEEP_DEFAULT, type KeepTimes, MAX_SIZE_DEFAULT, parseKeep, parseMaxSize } from '../parse-keep.ts';
import { parseSize } from '../parse-size.ts';
import { formatCheck } from '../print-checks.ts';
import { printCapture, watchLoopDelay } from '../record-summary.ts';
import { printSockets, refuseCaptureFlags, socketWords, WITHOUT_BPF } from '../sockets-only.ts';
import { thisRun } from '../this-run.ts';
import { parseDuration } from '../time-range.ts';
import {
  addWriteOptions,
  completeWriteFlags,
  printCaptureFiles,
  refuseTerminal,
  type WriteFlags,
  writingOf,
} from '../write-options.ts';

/** Tells the program that begins anew with fewer rights where the unified hierarchy is. */
const CGROUP_VARIABLE = 'PCAPID_CGROUP';

interface RecordFlags extends WriteFlags {
  readonly config?: string;
  readonly db?: string;
  readonly interface?: readonly string[];
  readonly for?: number;
  readonly sources: readonly SourceName[];
  readonly netns?: readonly string[];
  readonly keep: KeepTimes;
  readonly maxSize: number | null;
  readonly backend: 'libpcap' | 'cap';
  readonly ring: number;
  readonly promiscuous: boolean;
  readonly quiet: boolean;
  readonly socketsOnly: boolean;
}

export const record: CommandModule = (context) => addWriteOptions(capture(context));

const capture: CommandModule = (context) =>
  new Command('record')
    .description(
      'Captures packets, finds the process at both ends of every flow, and stores what it learns.\nEnds with Ctrl-C or after --for, and prints a summary.',
    )
    .argument('[filter...]', 'capture filter as of tcpdump, e.g. tcp port 443')
    .option('-i, --interface <name>', 'interface to capture on; may be repeated (default: all)', collect)
    .option('--db <file>', 'database to write (default: ./pcapid.db if it is there, else the one of this user)')
    .option('--for <duration>', 'stop after this time, e.g. 15s, 10m, 1h30m', (text) => parseDuration(text, '--for'))
    .addOption(
      new Option('--sources <list>', 'where owners may come from: auto, or some of bpf,cgroup,diag,proc')
        .default([...SOURCE_NAMES], 'auto')
        .argParser(parseSources),
    )
    .option('--netns <name>', 'also in this network namespace: name, pid, path or all; may be repeated', collect)
    .addOption(
      new Option(
        '--keep <ages>',
        'delete what is older: flows, sockets (who had which), and counters by minute, hour, day',
      )
        .default(parseKeep(KEEP_DEFAULT), KEEP_DEFAULT)
        .argParser(parseKeep),
    )
    .addOption(
      new Option('--max-size <size>', 'of the database: the oldest flows go first; or unlimited')
        .default(parseMaxSize(MAX_SIZE_DEFAULT), MAX_SIZE_DEFAULT)
        .argParser(parseMaxSize),
    )
    .addOption(new Option('--backend <name>', 'what captures').choices(['libpcap', 'cap']).default('libpcap'))
    .option('-s, --snaplen <octets>', 'octets kept of a packet; with -w all of them by default', parseSnaplen, 2048)
    .addOption(
      new Option('--ring <size>', 'buffer of the kernel, per interface').default(8 << 20, '8MiB').argParser(parseRing),
    )
    .option('-p, --promiscuous', 'also packets for other hosts', false)
    .option('--sockets-only', 'capture nothing: only who has which socket, for captures of others', false)
    .option('-q, --quiet', 'no list of sources, no live line', false)
    .option('--config <file>', 'settings to use instead of /etc/pcapid.toml and that of this user')
    .addHelpText('after', EXAMPLES)
    .action(async (filter: string[], flags: RecordFlags, command: Command) => {
      const values = readConfig(context, flags.config);
      applyConfig(command, values);
      const complete = completeWriteFlags(command, databaseFlag(context, command));
      if (complete.socketsOnly) refuseCaptureFlags(command, filter);
      refuseTerminal(complete, context.outIsTerminal);
      return runRecord(context, filter.join(' ') || configuredFilter(values), complete);
    });

const EXAMPLES = `
Examples:
  pcapid record                             everything, until Ctrl-C
  pcapid record --for 10m -i eth0           ten minutes of one interface
  pcapid record tcp port 443 or udp port 53 only these packets
  pcapid record --netns all                 in all containers too, as they come and go
  pcapid record --sockets-only              who has which socket, to name tcpdump's packets later: read --owners
  pcapid record --db /tmp/trip.db           into a database of its own
  pcapid record -w trip.pcapng              the packets too, with their owners, for Wireshark
  pcapid record -w trip.pcapng -C 100MB -W 10   the last ten files of 100 MB: trip_00001_DATE.pcapng ...
  pcapid record -w - | wireshark -k -i -    into Wireshark while they come`;

/** The environment beats a file, and a flag both. */
function databaseFlag({ env }: Context, command: Command): RecordFlags {
  const flags = command.opts<RecordFlags>();
  const isBeaten = command.getOptionValueSource('db') === 'config' && (env.PCAPID_DB ?? '') !== '';
  return isBeaten ? { ...flags, db: env.PCAPID_DB! } : flags;
}

async function runRecord(context: Context, filter: string, flags: RecordFlags): Promise<void> {
  const database = resolveDatabaseToWrite(context, flags.db);
  const devices = devicesOf(flags.interface);
  const native = loadNative();
  if (!flags.socketsOnly) native.pcapVersion(); // without libpcap nothing else matters
  prepareFolder(dirname(database));
  const cgroup = process.env[CGROUP_VARIABLE] ?? findCgroupRoot(native, REAL_ROOTS.proc);
  delete process.env[CGROUP_VARIABLE];
  const rights = reducePrivileges(native, {
    keep: [...capabilitiesFor(!flags.socketsOnly), ...(needsAdmin(native, flags) ? [Capability.SysAdmin] : [])],
    databaseFolder: dirname(database),
    environment: { PCAPID_DB: database, [CGROUP_VARIABLE]: cgroup },
  });
  if (rights.state === 'failed') context.err(`pcapid: goes on with all its rights: ${rights.detail}\n`);
  const programs = tryKernelPrograms(native, cgroup, flags.sources);
  const opened = programs instanceof UserError ? null : programs;
  const howToEnd = flags.for === undefined ? '; Ctrl-C ends it' : '';
  const live = new LiveLine(context, flags.quiet, flags.socketsOnly ? socketWords : undefined);
  let sockets = 0; // stored
  const recorder = new Recorder(native, {
    ...recordingOf(native, devices, filter, flags, database),
    programs: opened,
    everyTick: context.env.PCAPID_EVERY_TICK === '1', // tests wait for ticks
    onReady: () => {
      for (const check of checks) context.err(formatCheck(check));
      const what = flags.socketsOnly ? 'sockets' : devices[0] === 'any' ? 'all interfaces' : devices.join(', ');
      if (flags.socketsOnly && opened === null) context.err(`${WITHOUT_BPF}\n`);
      context.err(`recording ${what} into ${database}${howToEnd}\n`);
    },
    onProgress: (progress) => {
      sockets = progress.sockets;
      live.show(progress);
    },
    onTrouble: (text) => live.note(text),
  });
  const wanted = { wanted: flags.sources, programs, captures: !flags.socketsOnly };
  const checks = flags.quiet ? [] : startChecks(examine(loadNative, REAL_ROOTS, wanted)); // while the threads begin
  const loopDelay = watchLoopDelay(context);
  try {
    await untilStopped(recorder, flags.for);
  } finally {
    opened?.close();
  }
  live.end();
  if (recorder.written !== null) printCaptureFiles(context, flags.write!, recorder.written);
  if (flags.socketsOnly) printSockets(context, database, sockets, loopDelay());
  else printCapture(context, database, loopDelay());
}

/** To enter other namespaces, and for BPF where it is the only right to it that there is. */
function needsAdmin(native: Native, { netns }: RecordFlags): boolean {
  return netns !== undefined || (readCapabilities(native).effective & capabilityMask([Capability.Bpf])) === 0n;
}

function recordingOf(native: Native, devices: readonly string[], filter: string, flags: RecordFlags, database: string) {
  const proc = new ProcFs('/proc');
  const users = new UserNames(new ProcFs('/etc'));
  const containers = new ContainerNames(new ProcFs('/'), () => performance.now() * 1000);
  const places = flags.netns === undefined ? null : placesOf(flags.netns, proc);
  const { backend, snaplen, sources, ring: ringBytes, promiscuous, keep, maxSize, socketsOnly } = flags;
  const isOneInterface = devices.length === 1 && devices[0] !== 'any' && places === null;
  const nothing = { interface: '', backend: 'none', filter: '', snaplen: 0 } as const;
  const info = {
    ...(socketsOnly ? nothing : { interface: devices.join(','), backend, filter, snaplen }),
    ...thisRun(),
    hostName: readHostName({ proc }) ?? 'unknown',
    bootId: readBootId({ proc }) ?? 'unknown',
    netns: parseNamespaceLink(proc.readLink('self/ns/net')),
    sources: sources.join(','),
  };
  return {
    capture: socketsOnly ? null : { devices, backend, filter, snaplen, ringBytes, promiscuous },
    places,
    sources,
    database,
    write: writingOf(flags, { ...info, filter, isOneInterface }),
    keep: { ...keep, maxBytes: maxSize },
    info,
    userName: (uid: number): string | null => users.get(uid) ?? null,
    containerName: (id: string, cgroup: string): string | null => containers.nameOf(id, cgroup),
    interfaceNames: new InterfaceNames((netns) =>
      linksOf(native, netns === info.netns ? '' : pathOf(places?.() ?? [], netns)),
    ),
    kernelOctets: new KernelOctets(() => linksOf(native, '')),
  };
}

/** Undefined: it is gone. */
function pathOf(places: readonly NamedPlace[], netns: number): string | undefined {
  return places.find(({ inode }) => inode === netns)?.path;
}

function linksOf(native: Native, netnsPath: string | undefined): readonly Link[] {
  if (netnsPath === undefined) return [];
  try {
    const transport = openNetlink(native, NETLINK_ROUTE, netnsPath);
    const links = [...new Route(transport).links()];
    transport.close();
    return links;
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}

async function untilStopped(recorder: Recorder, forUs: number | undefined): Promise<void> {
  const stop = (): void => recorder.stop();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const timer = forUs === undefined ? undefined : setTimeout(stop, forUs / 1000);
  try {
    await recorder.done;
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

/** @throws UserError when packets would be counted twice */
function devicesOf(names: readonly string[] = []): readonly string[] {
  const devices = [...new Set(names)];
  if (devices.length === 0) return ['any'];
  if (devices.length > 1 && devices.includes('any')) {
    throw new UserError(
      'any-and-others',
      "-i: 'any' already stands for all interfaces",
      'Leave it out, or the others.',
    );
  }
  return devices;
}

function parseSources(text: string): readonly SourceName[] {
  if (text === 'auto') return SOURCE_NAMES;
  const names = text.split(',');
  for (const name of names) {
    if (!SOURCE_NAMES.some((known) => known === name)) {
      throw new UserError(
        'bad-source',
        `--sources: there is no source ${name}`,
        `Use auto, or some of ${SOURCE_NAMES.join(',')}.`,
      );
    }
  }
  return SOURCE_NAMES.filter((name) => names.includes(name));
}

/** libpcap takes an int; less than a block of its ring holds no packet. */
const parseRing = (text: string): number => parseSize(text, '--ring', 64 << 10, 2 ** 31 - 1);

function parseSnaplen(text: string): number {
  const octets = Number(text);
  if (Number.isInteger(octets) && octets >= 64 && octets <= 262_144) return octets;
  throw new UserError('bad-snaplen', `--snaplen: ${text} is not a length`, 'Use a number of octets from 64 to 262144.');
}
