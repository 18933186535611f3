/** A filter in words, for whoever reads what came of it. */
import { formatAddress, parseAddress } from '../core/address.ts';
import { protocolName } from '../core/tuple.ts';
import type { AddressRange, FlowFilter, NameFilter } from '../store/conditions.ts';

/** `process curl, port 443`, without the range of time; null: everything passes. */
export function filterText({ process, pid, user, unit, container, remote, name, port, protocol }: FlowFilter) {
  const words = Object.entries({
    process,
    pid,
    user,
    unit,
    container,
    remote: remote && cidrOf(remote),
    name: name && patternOf(name),
    port,
    protocol: protocol === undefined ? undefined : protocolName(protocol),
  }).flatMap(([what, value]) => (value === undefined ? [] : [`${what} ${value}`]));
  return words.length === 0 ? null : words.join(', ');
}

const patternOf = ({ name, itself, below }: NameFilter): string => `${below ? (itself ? '.' : '*.') : ''}${name}`;

function cidrOf({ first, last }: AddressRange): string {
  const bits = first.reduce((sum, octet, i) => sum + Math.clz32(octet ^ last[i]!) - 24, 0); // the rest is all 0 and 1
  const address = addressText(first);
  return bits === first.length * 8 ? address : `${address}/${bits}`;
}

function addressText(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((octets[2 * i]! << 8) | octets[2 * i + 1]!).toString(16));
  return formatAddress(parseAddress(groups.join(':'))!);
}
