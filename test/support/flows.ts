import { createDecodedBatch } from '../../src/core/decoded.ts';
import { FLOW_END_REASONS, type FlowColumns, FlowFlag } from '../../src/core/flow.ts';
import { KEY_WORDS } from '../../src/core/tuple.ts';
import { Decoder } from '../../src/decode/decode-batch.ts';
import type { FlowTable } from '../../src/flow/flow-table.ts';
import { tupleText } from './decode-one.ts';
import { ethernet, ipv4, packetBatch, type TestPacket, tcp, udp } from './packets.ts';
import { socketEvents, type TestEvent } from './socket-events.ts';

/** A row of FlowColumns as an object. */
export interface FlowRow {
  readonly serial: number;
  readonly tuple: string;
  readonly packets: readonly [original: number, reply: number];
  readonly bytes: readonly [original: number, reply: number];
  readonly ipBytes: readonly [original: number, reply: number];
  readonly duplicates: readonly [packets: number, bytes: number];
  readonly timesUs: readonly [first: number, last: number];
  readonly bootUs: readonly [first: number, last: number];
  readonly ifindex: number;
  readonly pktType: number;
  readonly netns: number; // inode
  readonly nat: string | null; // the translated tuple
  readonly cookies: readonly [src: number, dst: number];
  readonly isNew: boolean;
  readonly end: string | null; // null while it lives
}

export function rowsOf(columns: FlowColumns): FlowRow[] {
  return Array.from({ length: columns.count }, (_, i): FlowRow => {
    const ended = (columns.flags[i]! & FlowFlag.Ended) !== 0;
    const reason = FLOW_END_REASONS[columns.endReason[i]!]!;
    if (ended !== (reason !== null)) throw new Error(`flag Ended is ${ended}, the reason ${reason}`);
    return {
      serial: columns.serial[i]!,
      tuple: tupleText(columns.key, i * KEY_WORDS),
      packets: [columns.origPackets[i]!, columns.replyPackets[i]!],
      bytes: [columns.origBytes[i]!, columns.replyBytes[i]!],
      ipBytes: [columns.origIpBytes[i]!, columns.replyIpBytes[i]!],
      duplicates: [columns.duplicatePackets[i]!, columns.duplicateBytes[i]!],
      timesUs: [columns.firstUs[i]!, columns.lastUs[i]!],
      bootUs: [columns.firstBootUs[i]!, columns.lastBootUs[i]!],
      ifindex: columns.ifindex[i]!,
      pktType: columns.pktType[i]!,
      netns: columns.netns[i]!,
      nat: columns.natKey[i * KEY_WORDS] === 0 ? null : tupleText(columns.natKey, i * KEY_WORDS),
      cookies: [columns.srcCookie[i]!, columns.dstCookie[i]!],
      isNew: (columns.flags[i]! & FlowFlag.New) !== 0,
      end: reason,
    };
  }).sort((a, b) => a.serial - b.serial);
}

/** Serial, packets, end, and the sockets at both ends. */
export function ownership(columns: FlowColumns): string[] {
  return rowsOf(columns).map(
    ({ serial, packets, end, cookies }) => `${serial} ${packets.join('/')} ${end ?? 'lives'} ${cookies.join(' ')}`,
  );
}

/** What most tests look at, one line a row. */
export function summary(columns: FlowColumns): string[] {
  return rowsOf(columns).map(
    (row) => `${row.serial}${row.isNew ? ' new' : ''} ${row.packets.join('/')} ${row.end ?? 'lives'}`,
  );
}

/** One turn of the capture thread: events are noted before the packets that were read just before them. */
export function noteAndFeed(table: FlowTable, events: readonly TestEvent[], packets: readonly TestPacket[]): void {
  table.noteSockets(socketEvents(events));
  feed(table, packets);
  table.settleSockets();
}

/** Adds packets that were seen in the namespace with index `netns`; the clock of a file. */
export function feedIn(table: FlowTable, netns: number, packets: readonly TestPacket[]): void {
  feed(table, packets, 0, Infinity, netns);
}

/** Adds packets as one batch; the clock of a file unless `offsetUs` and `nowBootUs` say otherwise. */
export function feed(
  table: FlowTable,
  packets: readonly TestPacket[],
  offsetUs = 0,
  nowBootUs = Infinity,
  netns = 0,
): void {
  const batch = packetBatch(packets);
  batch.netns = netns;
  const decoded = createDecodedBatch(batch.capacity);
  new Decoder().decode(batch, decoded);
  table.add(batch, decoded, offsetUs, nowBootUs);
}

type Rest = Omit<TestPacket, 'bytes' | 'timeUs'>;
const client = '10.0.0.1';
const server = '10.0.0.2';

/** A TCP segment of the client, port 40000, to the server, port 443. */
export function sent(timeUs: number, flags: number, seq = 0, rest: Rest = {}): TestPacket {
  const bytes = ethernet(ipv4({ src: client, dst: server }, tcp({ src: 40000, dst: 443, flags, seq })));
  return { bytes, timeUs, ...rest };
}

/** A TCP segment of the server back to the client. */
export function received(timeUs: number, flags: number, seq = 0, rest: Rest = {}): TestPacket {
  const bytes = ethernet(ipv4({ src: server, dst: client }, tcp({ src: 443, dst: 40000, flags, seq })));
  return { bytes, timeUs, ...rest };
}

/** A datagram of the client, from `port`, to the server's port 53. */
export function datagram(timeUs: number, port: number, rest: Rest = {}): TestPacket {
  return { bytes: ethernet(ipv4({ src: client, dst: server }, udp({ src: port, dst: 53 }))), timeUs, ...rest };
}

/** The answer to datagram(). */
export function answer(timeUs: number, port: number, rest: Rest = {}): TestPacket {
  const bytes = ethernet(ipv4({ src: server, dst: client }, udp({ src: 53, dst: port, payload: 100 })));
  return { bytes, timeUs, ...rest };
}
