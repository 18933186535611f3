import type { CommandModule } from '../context.ts';

/** What the program knows of a command before it is loaded: most runs need one of them, and --help none. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** Every command of the program, in the order of --help. A new one is a file here and a line in this list. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'record',
    summary: 'capture packets, name their processes, store both',
    load: async () => (await import('./record.ts')).record,
  },
  { name: 'read', summary: 'read capture files into flows', load: async () => (await import('./read.ts')).read },
  {
    name: 'annotate',
    summary: 'write the owners of packets into a capture file',
    load: async () => (await import('./annotate.ts')).annotate,
  },
  {
    name: 'split',
    summary: 'write a capture file for each owner of packets',
    load: async () => (await import('./split.ts')).split,
  },
  {
    name: 'report',
    summary: 'make a page for a colleague: who sent and received what',
    load: async () => (await import('./report.ts')).report,
  },
  {
    name: 'flows',
    summary: 'list stored flows with their processes',
    load: async () => (await import('./flows.ts')).flows,
  },
  {
    name: 'usage',
    summary: 'add up bytes by process, program, user, unit, container ...',
    load: async () => (await import('./usage.ts')).usage,
  },
  {
    name: 'processes',
    summary: 'list processes that used the network',
    load: async () => (await import('./processes.ts')).processes,
  },
  {
    name: 'hosts',
    summary: 'list remote hosts and the processes that talked to them',
    load: async () => (await import('./hosts.ts')).hosts,
  },
  { name: 'who', summary: 'say whose a connection is or was', load: async () => (await import('./who.ts')).who },
  {
    name: 'explain',
    summary: 'say why a stored flow has the owners it has, and what lost',
    load: async () => (await import('./explain.ts')).explain,
  },
  {
    name: 'sockets',
    summary: 'list the sockets of this host with their processes, now',
    load: async () => (await import('./sockets.ts')).sockets,
  },
  {
    name: 'interfaces',
    summary: 'list the interfaces that can be recorded',
    load: async () => (await import('./interfaces.ts')).interfaces,
  },
  {
    name: 'db',
    summary: 'look after a database: info, check, prune, backup, sql',
    load: async () => (await import('./db.ts')).db,
  },
  {
    name: 'doctor',
    summary: 'say what works on this host, and what is lost where it does not',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'wireshark-plugin',
    summary: 'print a plugin that shows owners as fields in Wireshark',
    load: async () => (await import('./wireshark-plugin.ts')).wiresharkPlugin,
  },
  {
    name: 'config',
    summary: 'show the settings of record and where they come from',
    load: async () => (await import('./config.ts')).config,
  },
];
