import type { LocalAddresses } from '../../attribution/local-addresses.ts';
import type { Us } from '../../core/time.ts';
import { Route } from '../../linux/route.ts';
import type { Native } from '../../native/binding.ts';
import { type Addresses, AddressWatch, localAddresses } from './address-watch.ts';
import { NETLINK_ROUTE, tryNetlink } from './netlink-transport.ts';
import type { ListPlaces, NamedPlace } from './netns-places.ts';

/** Namespaces whose addresses are read again at one look: each reading enters the namespace on a thread of its own. */
const MOST_READ = 16;
const NO_ADDRESSES: Addresses = { unicast: [], broadcast: [] };

/** The namespaces that are captured in beside the own one as they come and go, with their addresses. */
export class FollowedPlaces {
  readonly #list: ListPlaces;
  readonly #readAddresses: (netnsPath: string) => Addresses;
  readonly #known: LocalAddresses;
  readonly #watches = new Map<number, AddressWatch>(); // by inode, the one read longest ago first
  #fresh: readonly NamedPlace[] = [];
  now: readonly NamedPlace[] = [];

  /** @param known is told the addresses of each */
  constructor(list: ListPlaces, readAddresses: (netnsPath: string) => Addresses, known: LocalAddresses) {
    this.#list = list;
    this.#readAddresses = readAddresses;
    this.#known = known;
  }

  /** @returns whether one came or went. */
  look(nowUs: Us): boolean {
    this.now = this.#list();
    const there = new Set(this.now.map(({ inode }) => inode));
    const gone = [...this.#watches.keys()].filter((inode) => !there.has(inode));
    for (const inode of gone) {
      this.#watches.delete(inode);
      this.#known.leave(inode, nowUs);
    }
    for (const inode of [...this.#watches.keys()].slice(0, MOST_READ)) this.#readAgain(inode, nowUs);
    const came = this.now.filter(({ inode }) => !this.#watches.has(inode));
    for (const { inode, path } of came) {
      this.#watches.set(inode, new AddressWatch(() => this.#readAddresses(path)));
      this.#readAgain(inode, nowUs);
    }
    this.#fresh = [...this.#fresh, ...came];
    return came.length + gone.length > 0;
  }

  /** Those that came since the last call. */
  takeFresh(): readonly NamedPlace[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  get hasFresh(): boolean {
    return this.#fresh.length > 0;
  }

  /** None at all is no answer: a namespace that is going, or may not be entered. */
  #readAgain(inode: number, nowUs: Us): void {
    const watch = this.#watches.get(inode)!;
    this.#watches.delete(inode);
    this.#watches.set(inode, watch);
    const changed = watch.changed(nowUs);
    if (changed !== null && changed.unicast.length > 0) {
      this.#known.replace(changed.unicast, changed.broadcast, inode);
    }
  }
}

/** None when the namespace is gone or the kernel refuses. */
export function addressesIn(native: Native, netnsPath: string): Addresses {
  const transport = tryNetlink(native, NETLINK_ROUTE, netnsPath);
  if (transport === undefined) return NO_ADDRESSES;
  const addresses = localAddresses(new Route(transport));
  transport.close(); // an open one would keep the namespace alive
  return addresses;
}
