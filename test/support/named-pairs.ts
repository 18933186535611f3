/** Every packet of an annotated file and both of its ends, held against what a workload says of itself. */
import { spawnSync } from 'node:child_process';
import { parseOwnerComment } from '../../src/pcap/owner-comment.ts';
import type { Address, TrueEnd } from './true-ends.ts';

export interface PairScore {
  readonly pairs: number; // (packet, end) that the workload knows
  readonly named: number;
  readonly wrong: readonly string[]; // a word for each
  readonly missing: readonly string[];
}

const FIELDS = ['frame.time_epoch', 'ip.src', 'ip.dst', 'ipv6.src', 'ipv6.dst', 'ip.proto', 'ipv6.nxt'];
const PORTS = ['tcp.srcport', 'tcp.dstport', 'udp.srcport', 'udp.dstport', 'frame.comment'];
const PROTOCOLS: Readonly<Record<string, TrueEnd['protocol']>> = { 6: 'tcp', 17: 'udp' };
/** The end of an accepted connection is known to itself a moment after its first packet. */
const ACCEPTED_US = 200_000;

/** @param file written by `pcapid annotate --every-packet` */
export function scorePairs(file: string, truth: readonly TrueEnd[]): PairScore {
  const ends = new Map<string, TrueEnd[]>();
  for (const end of [...truth].sort((a, b) => a.from_us - b.from_us)) {
    const key = keyOf(end.protocol, end.local, end.remote);
    ends.set(key, [...(ends.get(key) ?? []), end]);
  }
  let [pairs, named] = [0, 0];
  const [wrong, missing]: [string[], string[]] = [[], []];
  for (const { timeUs, protocol, src, dst, comment } of packetsOf(file)) {
    const said = parseOwnerComment(comment);
    for (const side of ['src', 'dst'] as const) {
      const [local, remote] = side === 'src' ? [src, dst] : [dst, src];
      const end = endAt(ends.get(keyOf(protocol, local, remote)) ?? [], timeUs);
      if (end === undefined) continue;
      pairs++;
      const pid = said[side]?.process?.pid;
      const words = `${end.scenario}, ${end.side}: ${pid} in place of ${end.pid} at ${timeUs} (${end.from_us} to ${end.to_us})`;
      if (pid === end.pid) named++;
      else (pid === undefined ? missing : wrong).push(words);
    }
  }
  return { pairs, named, wrong, missing };
}

const keyOf = (protocol: string, local: Address, remote: Address): string => `${protocol} ${local} ${remote}`;

/** The last one that had begun; before the first one, that one. */
function endAt(ends: readonly TrueEnd[], timeUs: number): TrueEnd | undefined {
  const begun = ends.filter(({ from_us }) => from_us <= timeUs).at(-1);
  return begun ?? ends.find(({ from_us }) => from_us - ACCEPTED_US <= timeUs);
}

function* packetsOf(file: string) {
  const wanted = [...FIELDS, ...PORTS].flatMap((field) => ['-e', field]);
  const args = ['-n', '-r', file, '-T', 'fields', '-E', 'occurrence=f', ...wanted];
  const { stdout, stderr, status } = spawnSync('tshark', args, { encoding: 'utf8', maxBuffer: 1 << 30 });
  if (status !== 0) throw new Error(stderr);
  for (const line of stdout.split('\n').slice(0, -1)) {
    const [time, src4, dst4, src6, dst6, proto, next, tcpSrc, tcpDst, udpSrc, udpDst, comment] = line.split('\t');
    const protocol = PROTOCOLS[proto || next || ''];
    if (protocol === undefined) continue;
    const src: Address = [src4 || src6!, Number(tcpSrc || udpSrc)];
    const dst: Address = [dst4 || dst6!, Number(tcpDst || udpDst)];
    const timeUs = Math.floor(Number(time) * 1e6);
    // Of a text that tshark shows \ is doubled, as in texts that the reader of files made harmless.
    yield { timeUs, protocol, src, dst, comment: comment ?? '' };
  }
}
