/** Kernel events about sockets, and address translation, as the columns that the flow table takes. */
import { parseAddress } from '../../src/core/address.ts';
import { createColumns, pushRow } from '../../src/core/columns.ts';
import {
  OwnerEvidence,
  SOCKET_EVENT_COLUMNS,
  SocketEvent,
  type SocketEventColumns,
  SocketFlag,
} from '../../src/core/socket.ts';
import { TRANSLATION_COLUMNS, type TranslationColumns } from '../../src/core/translation.ts';
import { K_FIRST, K_META, K_PORTS, K_SECOND, KEY_WORDS, packMeta, packPorts } from '../../src/core/tuple.ts';

/** An end of a tuple: '10.0.0.1:53', '[2001:db8::1]:53'. */
function putEnd(key: Int32Array, at: number, text: string): number {
  const [, address = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? [];
  key.set(parseAddress(address)!, at);
  return Number(port);
}

/** A row of KEY_WORDS words; the first end is src or local. */
export function tupleKey(protocol: number, first: string, second: string, netns = 0): Int32Array {
  const key = new Int32Array(KEY_WORDS);
  key[K_META] = packMeta(protocol, first.startsWith('[') ? 6 : 4, netns);
  key[K_PORTS] = packPorts(putEnd(key, K_FIRST, first), putEnd(key, K_SECOND, second));
  return key;
}

export interface TestEvent {
  readonly kind: number;
  readonly cookie: number;
  readonly atUs: number;
  readonly key?: Int32Array;
  readonly outgoing?: boolean;
  readonly netns?: number; // inode
  readonly previous?: number; // OwnerEvidence
  readonly flags?: number; // SocketFlag
  readonly sequence?: number;
}

export function socketEvents(all: readonly TestEvent[]): SocketEventColumns {
  const columns = createColumns(SOCKET_EVENT_COLUMNS);
  for (const event of all) {
    const row = pushRow(columns);
    columns.kind[row] = event.kind;
    columns.cookie[row] = event.cookie;
    columns.atUs[row] = event.atUs;
    if (event.key !== undefined) columns.key.set(event.key, row * KEY_WORDS);
    columns.flags[row] = event.outgoing === true ? SocketFlag.Outgoing : (event.flags ?? 0);
    columns.sequence[row] = event.sequence ?? 0;
    columns.netns[row] = event.netns ?? 0;
    columns.previous[row] = event.previous ?? OwnerEvidence.None;
  }
  return columns;
}

type Where = Pick<TestEvent, 'netns'>;

/** The first packet that a socket sends on a tuple. @param key local, remote */
export function sends(cookie: number, key: Int32Array, atUs: number, where: Where = {}): TestEvent {
  return { kind: SocketEvent.Seen, cookie, key, atUs, outgoing: true, ...where };
}

/** The first packet that a socket receives on a tuple. */
export function receives(cookie: number, key: Int32Array, atUs: number, where: Where = {}): TestEvent {
  return { kind: SocketEvent.Seen, cookie, key, atUs, ...where };
}

/** Another process uses a socket that one before has used. */
export function changesHands(cookie: number, key: Int32Array, atUs: number): TestEvent {
  return { kind: SocketEvent.Owner, cookie, key, atUs, previous: OwnerEvidence.Transfer };
}

/** The same of TCP: from that sequence number on it has sent, or received. */
export function handsOver(
  way: 'sent' | 'received',
  sequence: number,
  cookie: number,
  key: Int32Array,
  atUs: number,
): TestEvent {
  const flags = way === 'sent' ? SocketFlag.SentFrom : SocketFlag.ReceivedFrom;
  return { ...changesHands(cookie, key, atUs), flags, sequence };
}

export function closes(cookie: number, atUs: number): TestEvent {
  return { kind: SocketEvent.Closed, cookie, atUs };
}

/** One translation that begins or, with `ended`, is over. */
export function translation(original: Int32Array, translated: Int32Array, ended = false): TranslationColumns {
  const columns = createColumns(TRANSLATION_COLUMNS);
  const row = pushRow(columns);
  columns.original.set(original);
  columns.translated.set(translated);
  columns.ended[row] = ended ? 1 : 0;
  return columns;
}
