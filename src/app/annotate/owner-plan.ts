/** Whose packets those of each flow of a file are. */
import { formatAddress } from '../../core/address.ts';
import { FlowSide } from '../../core/attribution.ts';
import { UserError } from '../../core/errors.ts';
import { K_FIRST, K_SECOND, KEY_WORDS } from '../../core/tuple.ts';
import type { FlowOwners } from './flow-owners.ts';
import { groupOf, type OwnerGroup, remoteGroup, type SplitBy } from './owner-groups.ts';

/** More files than this in one folder are no answer to a person. */
const MOST_OWNERS = 10_000;

/** Places in the list of owners; a text: why there is none. */
export type Owners = readonly number[] | string;

export interface OwnerPlan {
  readonly groups: readonly OwnerGroup[];
  readonly owners: readonly Owners[]; // all that flows have
  readonly ofFlow: Int32Array; // by serial, place in `owners`; 0: packets in no flow
}

/** @throws UserError when they are too many */
export function planOwners(by: SplitBy, flows: FlowOwners, userName: (uid: number) => string | null): OwnerPlan {
  const groups: OwnerGroup[] = [];
  const places = new Map<string, number>(); // by key, in `groups`
  const owners: Owners[] = ['in no flow (not IP, cut or malformed)'];
  const known = new Map<string, number>(); // in `owners`
  const ofFlow = new Int32Array(flows.count + 1);
  for (let serial = 1; serial <= flows.count; serial++) {
    const found: number[] = [];
    const reasons: string[] = [];
    for (const side of by === 'remote' ? ownSides(flows, serial) : BOTH) {
      const answer = flows.answer(serial, side);
      const group = by === 'remote' ? remoteOf(flows, serial, side) : groupOf(by, answer, userName);
      if (group === undefined) {
        reasons.push(answer.reason ?? (answer.process === null ? 'not looked up' : `no ${by}`));
        continue;
      }
      const place = places.get(group.key) ?? groups.push(group) - 1;
      places.set(group.key, place);
      if (!found.includes(place)) found.push(place);
    }
    if (groups.length > MOST_OWNERS) throw tooMany(by);
    const one = found.length > 0 ? found.sort((a, b) => a - b) : ownReason(reasons);
    const key = one.toString();
    const at = known.get(key) ?? owners.push(one) - 1;
    known.set(key, at);
    ofFlow[serial] = at;
  }
  return { groups, owners, ofFlow };
}

const BOTH = [FlowSide.Src, FlowSide.Dst] as const;

/** Ends on the host of the capture: those with an owner, else the only one that may be there, else who began it. */
function ownSides(flows: FlowOwners, serial: number): readonly number[] {
  const owned = BOTH.filter((side) => {
    const { process, evidence } = flows.answer(serial, side);
    return process !== null || evidence !== null;
  });
  if (owned.length > 0) return owned;
  const near = BOTH.filter((side) => !isElsewhere(flows.answer(serial, side).reason));
  return near.length === 1 ? near : [FlowSide.Src];
}

function remoteOf(flows: FlowOwners, serial: number, side: number): OwnerGroup {
  const at = (serial - 1) * KEY_WORDS + (side === FlowSide.Src ? K_SECOND : K_FIRST);
  return remoteGroup(formatAddress(flows.tuples.key, at));
}

const isElsewhere = (reason: string | null): boolean => reason === 'not-local' || reason === 'forwarded';

/** The end that is on this host says more than the other one. */
const ownReason = (reasons: readonly string[]): string => reasons.find((reason) => !isElsewhere(reason)) ?? reasons[0]!;

const tooMany = (by: string): UserError =>
  new UserError(
    'too-many-owners',
    `there are more than ${MOST_OWNERS} owners by ${by}, each of which would get a file`,
    'Split by something coarser (--by unit, user), or cut the capture down first: pcapid read FILE --process ... -w OUT.',
  );
