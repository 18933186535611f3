/** Options of `who` about a capture file; who-frame.ts answers them. */
import { UserError } from '../core/errors.ts';
import type { OwnerFlags } from './owner-sources.ts';

export interface FrameFlags extends OwnerFlags {
  readonly frame?: number;
  readonly flow?: number;
  readonly db?: string;
  readonly at?: string;
}

export const asksForFrame = ({ frame, flow }: FrameFlags): boolean => frame !== undefined || flow !== undefined;

/** @throws UserError when a capture or options of captures stand without --frame and --flow */
export function refuseCapture([word]: readonly string[], { owners, facts, offset }: FrameFlags): void {
  if (/\.pcap(ng)?(\.\w+)?$/.test(word ?? ''))
    throw new UserError('bad-flags', `${word} is a capture file`, 'Say which frame: add --frame N, or --flow ID.');
  if (owners === undefined && facts === undefined && offset === undefined) return;
  const flag = owners !== undefined ? '--owners' : facts !== undefined ? '--facts' : '--offset';
  throw new UserError('bad-flags', `${flag} is about a capture file`, 'Say which frame: who FILE --frame N.');
}
