/** The interfaces of this namespace with their counters: over netlink, else from /sys/class/net. */
import { networkInterfaces } from 'node:os';
import { formatAddress } from '../../core/address.ts';
import type { Value } from '../../core/record.ts';
import { decodeHostile } from '../../core/text.ts';
import type { ProcFs } from '../../linux/proc-fs.ts';
import type { Interface, LinkStats } from '../../linux/route.ts';

export const INTERFACE_FIELDS = [
  'name',
  'ifindex',
  'state', // up, down, no-carrier
  'mtu', // octets
  'kind', // loopback, hardware, or what the kernel calls it: veth, bridge, tun ...; null: not known without netlink
  'addresses', // with prefix lengths, separated by spaces
  'rx_packets',
  'rx_bytes',
  'rx_dropped',
  'tx_packets',
  'tx_bytes',
  'tx_dropped',
] as const;
/** Absent is null. */
export type InterfaceRecord = Readonly<Record<(typeof INTERFACE_FIELDS)[number], Value>>;

/** An interface as a source shows it, before its state is known. */
type Source = Pick<Interface, 'name' | 'ifindex' | 'up' | 'loopback' | 'mtu' | 'kind' | 'stats'> & {
  readonly addresses: readonly string[];
};

/** @param interfaces of linux/route.ts */
export function listInterfaces(interfaces: readonly Interface[], sys: ProcFs): readonly InterfaceRecord[] {
  const sources = interfaces.map((one) => ({
    ...one,
    kind: one.kind ?? (one.loopback ? null : 'hardware'),
    addresses: one.addresses.map(({ words, prefixLength }) => `${formatAddress(words)}/${prefixLength}`),
  }));
  return sources.sort(byIfindex).map((source) => toRecord(source, sys));
}

/** Without netlink. Addresses come from getifaddrs(3), which leaves out interfaces that are down. */
export function listInterfacesOfSys(sys: ProcFs, addresses = systemAddresses()): readonly InterfaceRecord[] {
  const sources: Source[] = [];
  for (const name of sys.readDir('class/net') ?? []) {
    const ifindex = numberIn(sys, `class/net/${name}/ifindex`);
    if (ifindex === null) continue; // bonding_masters is a file; or the interface went away
    const flags = Number(sys.readText(`class/net/${name}/flags`) ?? 0); // 0x1003
    const text = decodeHostile(Buffer.from(name, 'latin1'));
    sources.push({
      name: text,
      ifindex,
      up: (flags & IFF_UP) !== 0,
      loopback: (flags & IFF_LOOPBACK) !== 0,
      mtu: numberIn(sys, `class/net/${name}/mtu`),
      kind: deviceType(sys, name),
      stats: readStats(sys, name),
      addresses: addresses.get(text) ?? [],
    });
  }
  return sources.sort(byIfindex).map((source) => toRecord(source, sys));
}

const IFF_UP = 1;
const IFF_LOOPBACK = 8;
const byIfindex = (a: Source, b: Source): number => a.ifindex - b.ifindex;

function toRecord(source: Source, sys: ProcFs): InterfaceRecord {
  const { name, ifindex, up, loopback, mtu, kind, stats, addresses } = source;
  return {
    name,
    ifindex,
    state: up ? (hasCarrier(sys, name) ? 'up' : 'no-carrier') : 'down',
    mtu,
    kind: kind ?? (loopback ? 'loopback' : null),
    addresses: addresses.length === 0 ? null : addresses.join(' '),
    rx_packets: stats?.rxPackets ?? null,
    rx_bytes: stats?.rxBytes ?? null,
    rx_dropped: stats?.rxDropped ?? null,
    tx_packets: stats?.txPackets ?? null,
    tx_bytes: stats?.txBytes ?? null,
    tx_dropped: stats?.txDropped ?? null,
  };
}

/** RFC 2863 ifOperStatus as /sys prints it; lo and tunnels are `unknown`, which works. */
function hasCarrier(sys: ProcFs, name: string): boolean {
  const state = sys.readText(`class/net/${name}/operstate`)?.trim();
  return state === undefined || state === 'up' || state === 'unknown' || state === 'testing';
}

/** DEVTYPE= of the uevent file: bridge, vlan, wlan ...; of others only whether there is a device behind it. */
function deviceType(sys: ProcFs, name: string): string | null {
  const m = /^DEVTYPE=(\w+)$/m.exec(sys.readText(`class/net/${name}/uevent`) ?? '');
  if (m !== null) return m[1]!;
  return sys.readLink(`class/net/${name}/device`) === undefined ? null : 'hardware';
}

function readStats(sys: ProcFs, name: string): LinkStats | null {
  const [rxPackets, txPackets, rxBytes, txBytes, rxDropped, txDropped] = [
    'rx_packets',
    'tx_packets',
    'rx_bytes',
    'tx_bytes',
    'rx_dropped',
    'tx_dropped',
  ].map((counter) => numberIn(sys, `class/net/${name}/statistics/${counter}`) ?? Number.NaN);
  const stats = { rxPackets, txPackets, rxBytes, txBytes, rxDropped, txDropped } as LinkStats;
  return Object.values(stats).some(Number.isNaN) ? null : stats;
}

function numberIn(sys: ProcFs, path: string): number | null {
  const text = sys.readText(path)?.trim();
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

function systemAddresses(): ReadonlyMap<string, readonly string[]> {
  const entries = Object.entries(networkInterfaces());
  return new Map(entries.map(([name, list]) => [name, (list ?? []).flatMap(({ cidr }) => cidr ?? [])]));
}
