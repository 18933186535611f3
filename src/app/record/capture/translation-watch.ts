import { createColumns } from '../../../core/columns.ts';
import type { Us } from '../../../core/time.ts';
import { TRANSLATION_COLUMNS, type TranslationColumns } from '../../../core/translation.ts';
import {
  CONNTRACK_GROUPS,
  ConntrackEvents,
  dumpConntrack,
  MOST_LISTED,
  NETLINK_NETFILTER,
} from '../../../linux/conntrack.ts';
import type { Native } from '../../../native/binding.ts';
import { type NetlinkSocket, openNetlink, tryNetlink } from '../netlink-transport.ts';

/** Events read at a time: one of them comes with every connection, translated or not. */
const MOST_EVENTS = 1024;

/** What is known of translations since the last time. */
export interface HeardTranslations {
  readonly found: TranslationColumns; // valid until the next read()
  readonly isList: boolean; // whatever began before `sinceUs` and is not in it has ended
  readonly sinceUs: Us; // all that was before is told already
}

/**
 * Which connections of one network namespace are translated: first all there are, then what begins and ends. Of what
 * began before anybody listened the kernel tells no end (nf_conntrack_events 2, its default).
 */
export class TranslationWatch {
  readonly #native: Native;
  readonly #netnsPath: string;
  readonly #socket: NetlinkSocket;
  readonly #events: ConntrackEvents;
  #listedAtLoss = -1; // what was lost at the last list
  #toldUs: Us | undefined; // when nothing waited any more
  readonly #found = createColumns(TRANSLATION_COLUMNS); // of the last read()

  /** Throws UserError where the kernel has no netlink for it. @param netnsPath '' is the namespace of the caller */
  constructor(native: Native, netnsPath: string) {
    this.#native = native;
    this.#netnsPath = netnsPath;
    this.#socket = openNetlink(native, NETLINK_NETFILTER, netnsPath, CONNTRACK_GROUPS);
    this.#events = new ConntrackEvents(this.#socket);
  }

  /** More events wait than one read() takes. */
  isBehind = false;
  /** Why the last list failed as -errno (-EPERM: no CAP_NET_ADMIN), 0: it did not. */
  lastError = 0;

  /** @param nowUs any clock @returns undefined: nothing new */
  read(nowUs: Us): HeardTranslations | undefined {
    const sinceUs = this.#toldUs ?? nowUs;
    const isListDue = this.#listedAtLoss !== this.#events.lost;
    const found = isListDue ? createColumns(TRANSLATION_COLUMNS) : this.#found; // a list may be long
    found.count = 0;
    const isList = isListDue && this.#list(found);
    this.isBehind = this.#events.read(MOST_EVENTS, found) === MOST_EVENTS;
    if (!this.isBehind) this.#toldUs = nowUs;
    return found.count > 0 || isList ? { found, isList, sinceUs } : undefined;
  }

  close(): void {
    this.#events.close();
  }

  /** On a socket of its own: events come between the parts of an answer. @returns whether it is complete */
  #list(out: TranslationColumns): boolean {
    this.#listedAtLoss = this.#events.lost;
    const socket = tryNetlink(this.#native, NETLINK_NETFILTER, this.#netnsPath);
    if (socket === undefined) return false; // the namespace has gone meanwhile
    this.lastError = dumpConntrack(socket, out);
    socket.close();
    return this.lastError === 0 && out.count < MOST_LISTED;
  }
}
