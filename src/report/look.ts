/** How a person wants to see times and sizes: --utc, --iso, --si. */
import type { Us } from '../core/time.ts';
import { formatIso, formatShort, localZone, type Zone } from './local-time.ts';
import { formatSize } from './size.ts';

export interface Look {
  readonly zone: Zone;
  readonly time: (us: Us) => string; // of a table
  readonly size: (octets: number) => string;
}

export interface LookOptions {
  readonly zone: Zone;
  readonly iso: boolean; // whole dates with microseconds
  readonly si: boolean; // kB of 1,000 octets
}

export function makeLook({ zone, iso, si }: LookOptions): Look {
  return {
    zone,
    time: (us) => (iso ? formatIso(us, zone) : formatShort(us, zone)),
    size: (octets) => formatSize(octets, si ? 'si' : 'iec'),
  };
}

/** Without any of the flags. */
export const localLook: Look = makeLook({ zone: localZone, iso: false, si: false });
