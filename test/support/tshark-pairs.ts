/** Packets and octets between two addresses as tshark(1) counts them: a second opinion on whole captures of any protocol. */
import { spawnSync } from 'node:child_process';
import { type FirstFields, firstFields } from './tshark-fields.ts';

export interface PairCount {
  readonly packets: number;
  readonly bytes: number; // frame.len
  readonly ipBytes: number; // IP header and payload
}

export interface TsharkPairs {
  readonly packets: number; // of the whole file
  readonly pairs: Readonly<Record<string, PairCount>>; // by both addresses in order of their text
}

const IPV6_HEADER = 40;

export const pairOf = (a: string, b: string): string => [a, b].sort().join(' ');

let missing: string | false | undefined;

/** @returns why there is no second opinion, or false: for the `skip` of a test */
export function tsharkMissing(): string | false {
  missing ??= spawnSync('tshark', ['--version']).status === 0 ? false : 'no tshark'; // it takes long to start
  return missing;
}

/** Packets as capinfos(1) counts them; undefined where it says nothing of a damaged file. */
export function capinfosPackets(file: string): number | undefined {
  const { stdout } = spawnSync('capinfos', ['-T', '-r', '-c', file], { encoding: 'utf8' });
  return stdout === '' ? undefined : Number(stdout.trim().split('\t').at(-1));
}

/** A packet that several interfaces saw is one packet: the interface that saw most of a direction counts. */
export async function tsharkPairs(file: string): Promise<TsharkPairs> {
  const sightings = new Map<string, { pair: string; direction: string; count: PairCount }>();
  const rows = (await firstFields(file)).filter(isPacket);
  for (const row of rows) {
    const is4 = /:ip(v6)?(:|$)/.exec(`:${row['frame.protocols']}`)?.[1] === undefined; // the outermost
    const [src, dst] = is4 ? [row['ip.src'], row['ip.dst']] : [row['ipv6.src'], row['ipv6.dst']];
    if (!src || !dst) continue;
    const ipBytes = is4 ? Number(row['ip.len']) : Number(row['ipv6.plen']) + IPV6_HEADER;
    const direction = `${src} ${dst}`;
    const key = `${direction} ${row['sll.ifindex']}`;
    const before = sightings.get(key)?.count;
    const count = add(before, 1, Number(row['frame.len']), ipBytes);
    sightings.set(key, { pair: pairOf(src, dst), direction, count });
  }
  const largest = new Map<string, { pair: string; count: PairCount }>();
  for (const { pair, direction, count } of sightings.values()) {
    if (count.packets > (largest.get(direction)?.count.packets ?? 0)) largest.set(direction, { pair, count });
  }
  const pairs: Record<string, PairCount> = {};
  for (const { pair, count } of largest.values()) {
    pairs[pair] = add(pairs[pair], count.packets, count.bytes, count.ipBytes);
  }
  return { packets: rows.length, pairs };
}

/** tshark shows custom blocks as rows, too: they have no interface. */
function isPacket(row: FirstFields): boolean {
  return row['frame.protocols'] !== 'data' || row['frame.interface_id'] !== '';
}

function add(count: PairCount | undefined, packets: number, bytes: number, ipBytes: number): PairCount {
  const { packets: p, bytes: b, ipBytes: i } = count ?? { packets: 0, bytes: 0, ipBytes: 0 };
  return { packets: p + packets, bytes: b + bytes, ipBytes: i + ipBytes };
}
