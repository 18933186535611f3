/** The log of workload.c: a line for each end of each socket, written by the process that used it (or its parent). */
import { readFileSync } from 'node:fs';

export type Address = readonly [address: string, port: number];

export interface TrueEnd {
  readonly scenario: string;
  readonly set: 'short' | 'held' | 'old';
  readonly side: 'client' | 'server';
  readonly protocol: 'tcp' | 'udp';
  readonly local: Address;
  readonly remote: Address;
  readonly netns: number; // inode
  readonly pid: number; // who sent and received
  readonly start_ticks: number;
  readonly other: number; // its parent, or who made the socket; 0: nobody
  readonly from_us: number; // microseconds since the epoch, before the first packet
  readonly to_us: number; // after the close
  readonly sent: number; // octets of payload
  readonly received: number;
}

export function readTruth(path: string): readonly TrueEnd[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as TrueEnd);
}

export const lifeUs = (end: TrueEnd): number => end.to_us - end.from_us;

export const payload = (end: TrueEnd): number => end.sent + end.received;
