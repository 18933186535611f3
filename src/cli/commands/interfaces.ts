import { Command } from 'commander';
import { NETLINK_ROUTE, openNetlink } from '../../app/record/netlink-transport.ts';
import { INTERFACE_FIELDS, listInterfaces, listInterfacesOfSys } from '../../app/sockets/interface-list.ts';
import { UserError } from '../../core/errors.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { type Interface, Route } from '../../linux/route.ts';
import { tryNative } from '../../native/binding.ts';
import { INTERFACE_DEFAULT_COLUMNS, interfaceColumns } from '../../report/interface-columns.ts';
import type { CommandModule, Context } from '../context.ts';
import { addFormatOptions, columnsOf, type FormatFlags, note, printRows } from '../formats.ts';

const EXAMPLES = `
Examples:
  pcapid interfaces
  pcapid interfaces --columns name,state,rx_packets,tx_packets
  pcapid interfaces --format json       every field, counters in full

RX and TX are octets since the interface was made. Any of the names, or 'any' for
all of them at once, may follow -i in pcapid record.`;

export const interfaces: CommandModule = (context) =>
  addFormatOptions(new Command('interfaces'))
    .description('Lists the network interfaces of this host with their addresses and counters.')
    .addHelpText('after', EXAMPLES)
    .action((flags: FormatFlags) => printInterfaces(context, flags));

function printInterfaces(context: Context, flags: FormatFlags): void {
  const available = interfaceColumns(INTERFACE_FIELDS);
  const printing = { available, defaults: INTERFACE_DEFAULT_COLUMNS, fields: INTERFACE_FIELDS };
  columnsOf(flags, printing);
  const sys = new ProcFs('/sys');
  const links = linksOverNetlink();
  printRows(context, links === undefined ? listInterfacesOfSys(sys) : listInterfaces(links, sys), flags, printing);
  if (flags.format === 'table') note(context, flags.format, "'any' stands for all of them: pcapid record -i any");
}

/** @returns undefined where there is no addon or the kernel refuses */
function linksOverNetlink(): readonly Interface[] | undefined {
  const native = tryNative();
  if (native === undefined) return undefined;
  let route: Route | undefined;
  try {
    route = new Route(openNetlink(native, NETLINK_ROUTE));
    const links = route.interfaces();
    return route.lastError === 0 ? links : undefined;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  } finally {
    route?.close();
  }
}
