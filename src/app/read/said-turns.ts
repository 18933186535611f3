/** Where comments of pcapid say that another process took a socket over in the middle of a connection. */
import { createColumns, pushRow } from '../../core/columns.ts';
import { type DecodedBatch, DecodeStatus } from '../../core/decoded.ts';
import { type PacketBatch, timeOf } from '../../core/packet.ts';
import { OwnerEvidence, SOCKET_EVENT_COLUMNS, SocketEvent, type SocketEventColumns } from '../../core/socket.ts';
import { KEY_WORDS, reverseKey } from '../../core/tuple.ts';
import type { NotedOwner } from '../../pcap/owner-comment.ts';
import type { PacketNotes } from '../../pcap/packet-notes.ts';
import { nameOf } from './said-owners.ts';

/** Ends that are remembered; beyond, all are told anew. */
const MOST = 1 << 18;
/** Of cookies that stand for no socket: those of sockets in files count down from 0. */
const FIRST_COOKIE = -(2 ** 40);

interface Said {
  readonly cookie: number;
  flow: number; // as its writer numbers them
  who: string;
}

/**
 * Who wrote the comments gave another number to the flow when the socket changed hands. The same number with another
 * process is no turn: it became known better.
 */
export class SaidTurns {
  readonly #said = new Map<string, Said>(); // by tuple, the end that is spoken of first
  readonly #key = new Int32Array(KEY_WORDS);
  #cookies = FIRST_COOKIE;

  /** @returns events that end flows of the batch where the next one begins, undefined: none */
  take(batch: PacketBatch, decoded: DecodedBatch, { owners }: PacketNotes): SocketEventColumns | undefined {
    let events: SocketEventColumns | undefined;
    for (const { row, flow, end, owner } of owners) {
      const who = whoIs(owner);
      if (decoded.status[row] !== DecodeStatus.Ok || who === undefined) continue;
      const at = row * KEY_WORDS;
      if (end === 'src') this.#key.set(decoded.key.subarray(at, at + KEY_WORDS));
      else reverseKey(decoded.key, at, this.#key, 0);
      const name = nameOf(this.#key, 0);
      const said = this.#said.get(name);
      if (said === undefined) {
        if (this.#said.size >= MOST) this.#said.clear();
        this.#said.set(name, { cookie: --this.#cookies, flow, who });
        continue;
      }
      if (said.flow !== flow && said.who !== who) {
        events ??= createColumns(SOCKET_EVENT_COLUMNS);
        this.#add(events, said.cookie, timeOf(batch, row));
      }
      said.flow = flow;
      said.who = who;
    }
    return events;
  }

  #add(events: SocketEventColumns, cookie: number, atUs: number): void {
    const out = pushRow(events);
    events.kind[out] = SocketEvent.Owner;
    events.key.set(this.#key, out * KEY_WORDS);
    events.cookie[out] = cookie;
    events.atUs[out] = atUs;
    events.previous[out] = OwnerEvidence.Transfer;
  }
}

/** Reasons that say nothing of who has the socket: captures of both hosts may have been merged. */
const ELSEWHERE: ReadonlySet<string | null> = new Set(['not-local', 'forwarded', 'other-netns', null]);

function whoIs({ process, reason }: NotedOwner): string | undefined {
  if (process !== undefined) return `${process.pid} ${process.startTicks}`;
  return ELSEWHERE.has(reason) ? undefined : 'nobody';
}
