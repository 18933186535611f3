/** The five-tuple of each packet as tshark(1) sees it, of the outermost or of the innermost IP header. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestPacket } from './packets.ts';

const FIELDS = [
  ...['frame.protocols', 'ip.src', 'ip.dst', 'ip.proto', 'ip.len', 'ipv6.src', 'ipv6.dst', 'ipv6.nxt', 'ipv6.plen'],
  ...['udp.srcport', 'udp.dstport', 'tcp.srcport', 'tcp.dstport'],
] as const;
type Field = (typeof FIELDS)[number];

const IPV6_HEADER = 40;

export interface TsharkTuple {
  readonly tuple: string; // as tupleText() of decode-one.ts says it, '' where there is no IP
  readonly ipBytes: number;
  readonly protocols: string; // tshark's path through the packet, for messages
}

/** @param options further ones of tshark, as `-d` for a port that it does not know */
export function tsharkTuples(
  packets: readonly TestPacket[],
  which: 'outermost' | 'innermost',
  options: readonly string[] = [],
): TsharkTuple[] {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-tshark-'));
  try {
    const path = join(folder, 'packets.pcapng');
    writeFileSync(path, pcapngFile(packets));
    const wanted = FIELDS.flatMap((field) => ['-e', field]);
    const args = ['-n', '-r', path, '-o', 'ip.defragment:FALSE', '-T', 'fields', '-E', 'occurrence=a', ...options];
    const text = execFileSync('tshark', [...args, ...wanted], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => tupleOf(line, which));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function tupleOf(line: string, which: 'outermost' | 'innermost'): TsharkTuple {
  const cells = line.split('\t');
  const values = Object.fromEntries(FIELDS.map((field, i) => [field, cells[i]!.split(',')])) as Record<Field, string[]>;
  const pick = (field: Field): string => values[field].at(which === 'outermost' ? 0 : -1)!;
  const protocols = values['frame.protocols'][0]!;
  const path = protocols.split(':');
  const isIp = (name: string): boolean => name === 'ip' || name === 'ipv6';
  const at = which === 'outermost' ? path.findIndex(isIp) : Math.max(path.lastIndexOf('ip'), path.lastIndexOf('ipv6'));
  if (at < 0) return { tuple: '', ipBytes: 0, protocols };
  const ip = path[at] as 'ip' | 'ipv6';
  const transport = path.slice(at + 1).find((name) => ['tcp', 'udp'].includes(name) || isIp(name));
  const hasPorts = transport === 'tcp' || transport === 'udp';
  const protocol = hasPorts ? (transport === 'tcp' ? 6 : 17) : Number(pick(ip === 'ip' ? 'ip.proto' : 'ipv6.nxt'));
  const port = (end: 'src' | 'dst'): string => (hasPorts ? pick(`${transport}.${end}port`) : '0');
  const ipBytes = ip === 'ip' ? Number(pick('ip.len')) : Number(pick('ipv6.plen')) + IPV6_HEADER;
  return {
    tuple: `${protocol} ${pick(`${ip}.src`)}:${port('src')} ${pick(`${ip}.dst`)}:${port('dst')}`,
    ipBytes,
    protocols,
  };
}

/** A pcapng file with an interface for each link type, so that one run of tshark reads packets of all of them. */
function pcapngFile(packets: readonly TestPacket[]): Buffer {
  const block = (type: number, body: Buffer): Buffer => {
    const padded = Buffer.concat([body, Buffer.alloc(-body.length & 3)]);
    return Buffer.concat([words(type, padded.length + 12), padded, words(padded.length + 12)]);
  };
  const linkTypes = [...new Set(packets.map(({ linkType = 1 }) => linkType))];
  const blocks = [
    block(0x0a0d0d0a, words(0x1a2b3c4d, 1, 0xffffffff, 0xffffffff)), // version 1.0, length unknown
    ...linkTypes.map((linkType) => block(1, words(linkType, 262_144))),
  ];
  for (const { bytes, linkType = 1, origLen = bytes.length } of packets) {
    const head = words(linkTypes.indexOf(linkType), 0, 0, bytes.length, origLen);
    blocks.push(block(6, Buffer.concat([head, bytes])));
  }
  return Buffer.concat(blocks);
}

function words(...numbers: number[]): Buffer {
  const out = Buffer.alloc(numbers.length * 4);
  for (const [i, n] of numbers.entries()) out.writeUInt32LE(n, i * 4);
  return out;
}
