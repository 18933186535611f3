/** The processes behind a socket, with what they had to do with it and when. */
import type { Role } from '../core/attribution.ts';
import type { Process } from '../core/process.ts';
import { OwnerEvidence, SocketFlag, SocketState } from '../core/socket.ts';
import type { Us } from '../core/time.ts';
import { KEY_WORDS, keyProtocol, Protocol } from '../core/tuple.ts';
import type { Facts } from './facts.ts';

export interface Holding {
  readonly process: Process;
  readonly role: Role;
  readonly fromUs: Us; // CLOCK_BOOTTIME
  readonly toUs: Us;
  readonly edge?: number; // with `sequence`: where in the stream its turn began, as in OWNER_COLUMNS
  readonly sequence?: number;
}

/** Processes of which so many acted on one socket are listed at most. */
const MOST_ACTORS = 32;

/** Puts holdings together: each process once, with the first role it is given. */
export class Holdings {
  readonly list: Holding[] = [];
  #known: Set<Process> | undefined; // from the second on

  add(process: Process, role: Role, fromUs: Us, toUs: Us, edge = 0, sequence = 0): void {
    const [first] = this.list;
    if (first !== undefined) {
      if (first.process === process) return; // so it is nearly always
      this.#known ??= new Set([first.process]);
      if (this.#known.has(process)) return;
      this.#known.add(process);
    }
    this.list.push({ process, role, fromUs, toUs, ...(edge === 0 ? {} : { edge, sequence }) });
  }
}

/** Those that descriptors showed to hold the socket at some moment since `sinceUs`. @returns whether there were any */
export function addHolders(into: Holdings, inode: number, role: Role, sinceUs: Us, facts: Facts): boolean {
  if (inode === 0) return false;
  let isHeld = false;
  for (const row of facts.holders.of(inode, sinceUs)) {
    const { pid, startTicks, fromUs, toUs } = facts.holders.facts;
    const known = facts.processes.get(pid[row]!, startTicks[row]!);
    if (known === undefined) continue;
    into.add(known.process, role, fromUs[row]!, toUs[row]!);
    isHeld = true;
  }
  return isHeld;
}

/**
 * All that acted on the socket at any time, the latest first, each with its last turn, and who created it.
 *
 * @param isStream then connect() is a part of creating it
 */
export function addActors(into: Holdings, cookie: number, isStream: boolean, untilUs: Us, facts: Facts): void {
  const { owners } = facts;
  const { evidence, fromUs, flags, edge, sequence } = owners.facts;
  let toUs = untilUs;
  for (let row = owners.newest(cookie); row !== -1 && into.list.length < MOST_ACTORS; row = owners.older(row)) {
    if (evidence[row]! < OwnerEvidence.Created || (flags[row]! & SocketFlag.Kernel) !== 0) continue;
    const acted = evidence[row]! >= (isStream ? OwnerEvidence.Transfer : OwnerEvidence.Called);
    const process = processOf(row, facts);
    if (process !== undefined) {
      const lastUs = Math.max(fromUs[row]!, toUs);
      into.add(process, acted ? 'actor' : 'creator', fromUs[row]!, lastUs, edge[row]!, sequence[row]!);
    }
    toUs = fromUs[row]!;
  }
}

/** Everybody who is known to have had to do with the socket of that row, the latest to act first. */
export function holdingsOf(row: number, facts: Facts): readonly Holding[] {
  const { cookie, inode, key, toUs, state } = facts.sockets.facts;
  const found = new Holdings();
  const isStream = keyProtocol(key, row * KEY_WORDS) === Protocol.Tcp;
  if (cookie[row] !== 0) addActors(found, cookie[row]!, isStream, toUs[row]!, facts);
  const role = state[row] === SocketState.Listen ? 'listener' : 'holder';
  addHolders(found, inode[row]!, role, 0, facts);
  return found.list;
}

/** The process of a row of the owner table, if it is known. */
export function processOf(row: number, facts: Facts): Process | undefined {
  const { pid, startTicks } = facts.owners.facts;
  return facts.processes.get(pid[row]!, startTicks[row]!)?.process;
}
