import { UserError } from '../../core/errors.ts';
import { listNetns, NETNS_NAMES } from '../../linux/netns.ts';
import { NetnsMemory } from '../../linux/netns-memory.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { resolveNetns } from '../sockets/socket-netns.ts';
import type { NetnsPlace } from './capture/capture-spaces.ts';

/** A namespace that is captured in beside the recorder's own, and what people call it. */
export interface NamedPlace extends NetnsPlace {
  readonly name: string | null; // of ip-netns(8)
}

/** Says which other namespaces there are now: those that --netns wants. */
export type ListPlaces = () => readonly NamedPlace[];

/**
 * @param wanted 'all', or a name, pid or path as `sockets --netns` takes it
 * @throws UserError when a wanted one does not exist; later it may come and go
 */
export function placesOf(wanted: readonly string[], proc: ProcFs, names = new ProcFs(NETNS_NAMES)): ListPlaces {
  const memory = new NetnsMemory(proc);
  if (wanted.includes('all')) return () => [...listNetns(proc, names, memory).values()];
  for (const one of wanted) resolveNetns(one, proc, names);
  return () => wanted.flatMap((one) => placeOf(one, proc, names));
}

function placeOf(wanted: string, proc: ProcFs, names: ProcFs): readonly NamedPlace[] {
  try {
    const { inode, path } = resolveNetns(wanted, proc, names);
    const name = /^(\d+$|\/)/.test(wanted) ? null : wanted;
    return [{ inode, path, name }];
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}
