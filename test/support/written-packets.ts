/** Packets and owners as threads hand them to the writer of capture files, and what a file says afterwards. */
import { execFileSync } from 'node:child_process';
import type { OwnersMessage } from '../../src/app/record/messages.ts';
import type { PacketRing } from '../../src/app/record/write/packet-ring.ts';
import { END_COLUMNS, MATCHES, REASONS, type Reason } from '../../src/core/attribution.ts';
import { createColumns, pushRow } from '../../src/core/columns.ts';
import type { Process } from '../../src/core/process.ts';
import { SOURCES } from '../../src/core/socket.ts';
import { ethernet, ipv4, packetBatch, type TestPacket, udp } from './packets.ts';

export const OWN_NETNS = 7;

/** A datagram of flow `port`, sent at that time of day. */
export function datagram(port: number, timeUs: number, payload = 10): TestPacket {
  const inner = ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }, udp({ src: port, dst: 53, payload }));
  return { bytes: ethernet(inner), timeUs, ifindex: 2 };
}

/** @param serials flow of each, negative in its reply direction. @param atUs CLOCK_BOOTTIME */
export function pushPackets(
  ring: PacketRing,
  packets: readonly TestPacket[],
  serials: readonly number[],
  atUs: number,
) {
  return ring.push(packetBatch(packets), Float64Array.from(serials), OWN_NETNS, atUs);
}

export interface ToldEnd {
  readonly serial: number;
  readonly side?: number;
  readonly pid?: number;
  readonly reason?: Reason;
}

/** Each process has its pid as its id. */
export function ownersMessage(told: readonly ToldEnd[], over: readonly number[] = []): OwnersMessage {
  const ends = createColumns(END_COLUMNS);
  for (const { serial, side = 0, pid = 0, reason = null } of told) {
    const row = pushRow(ends);
    ends.serial[row] = serial;
    ends.side[row] = side;
    ends.process[row] = pid;
    ends.reason[row] = pid === 0 ? REASONS.indexOf(reason) : 0;
    ends.source[row] = pid === 0 ? 0 : SOURCES.indexOf('diag');
    ends.match[row] = pid === 0 ? 0 : MATCHES.indexOf('five-tuple');
  }
  const pids = [...new Set(told.map(({ pid = 0 }) => pid))].filter((pid) => pid > 0);
  const processes = pids.map((pid) => ({
    id: pid,
    program: 0,
    process: processOf(pid),
    firstUs: 0,
    lastUs: 0,
    exitUs: null,
  }));
  return { ends, programs: [], processes, over: Float64Array.from(over) };
}

function processOf(pid: number): Process {
  const nothing = { cgroup: null, unit: null, container: null, netns: 0, forked: false };
  return { pid, startTicks: 5, parentPid: 1, comm: `p${pid}`, exe: `/bin/p${pid}`, argv: null, uid: 0, ...nothing };
}

/** Pid of the sender that each packet's comment names, '' for none, as tshark reads the file. */
export function commentedPids(path: string): string[] {
  return comments(path).map((comment) => /src\.pid=(\d+)/.exec(comment)?.[1] ?? '');
}

export function comments(path: string): string[] {
  const words = ['-n', '-r', path, '-T', 'fields', '-e', 'frame.comment'];
  const text = execFileSync('tshark', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}
