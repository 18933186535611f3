/** How an end of a flow was given its owner: evidence is stored, confidence is derived from it by one table. */
import type { Columns } from './columns.ts';
import type { Source } from './socket.ts';

/** How the fact met the packet, closest first. Index = stored code; 0 is none. */
export const MATCHES = [
  null,
  'cookie',
  'five-tuple',
  'bound',
  'wildcard',
  'listener',
  'conntrack',
  'icmp-id',
  'packet-socket',
] as const;
export type Match = Exclude<(typeof MATCHES)[number], null>;

/** Why an end has no process. Index = stored code; 0 is none. */
export const REASONS = [
  null,
  'closed-before-scan', // the socket was seen, its holders were gone when /proc was read
  'no-permission', // the holder is among processes whose descriptors may not be read
  'other-netns', // the address belongs to another network namespace of this host
  'forwarded', // neither end is this host
  'not-local', // the other end is this host, this one is not
  'kernel', // the kernel itself answered (ICMP echo, RST), or an in-kernel socket
  'no-socket', // no socket on that tuple was seen at that time
  'ambiguous', // several processes hold the socket and none was seen acting
  'not-ip',
  'overflow', // facts were lost because a queue was full
] as const;
export type Reason = Exclude<(typeof REASONS)[number], null>;

/** What a process had to do with a socket. Index = stored code; 0 is none. */
export const ROLES = [null, 'actor', 'creator', 'holder', 'listener'] as const;
export type Role = Exclude<(typeof ROLES)[number], null>;

export const CONFIDENCES = ['unknown', 'ambiguous', 'likely', 'exact'] as const; // weakest first
export type Confidence = (typeof CONFIDENCES)[number];

/** How a process was chosen of those behind a socket, or why none was: by name in docs/attribution.md. */
export type Rule =
  | 'acted-within'
  | 'acted-before'
  | 'acted-after'
  | 'took-turns'
  | 'only-holder'
  | 'several-holders'
  | 'sockets-in-turn'
  | 'listener-holder'
  | 'listener-forked'
  | 'born-later'
  | 'witness'
  | 'kernel-socket'
  | 'nobody-known';

export interface Evidence {
  readonly source: Source;
  readonly match: Match;
  readonly gapUs: number; // between the packets and the moment the fact was seen to hold; 0: it held meanwhile
  readonly holders: number; // processes that hold the socket
}

/** Confidence of a named process per match: while the fact held, and with a gap. Also a table of the database. */
export const CONFIDENCE_TABLE: Readonly<Record<Match, { held: Confidence; gap: Confidence }>> = {
  cookie: { held: 'exact', gap: 'likely' },
  'five-tuple': { held: 'exact', gap: 'likely' },
  bound: { held: 'likely', gap: 'likely' },
  wildcard: { held: 'likely', gap: 'likely' },
  listener: { held: 'likely', gap: 'likely' },
  conntrack: { held: 'exact', gap: 'likely' },
  'icmp-id': { held: 'likely', gap: 'likely' },
  'packet-socket': { held: 'likely', gap: 'likely' },
};

/** @param named whether a process stands behind the evidence */
export function confidence(evidence: Evidence | null, reason: Reason | null, named: boolean): Confidence {
  if (named && evidence !== null) return CONFIDENCE_TABLE[evidence.match][evidence.gapUs > 0 ? 'gap' : 'held'];
  return reason === 'ambiguous' ? 'ambiguous' : 'unknown';
}

/** Which end of a flow a row of EndColumns speaks of. */
export const FlowSide = { Src: 0, Dst: 1 } as const;

/**
 * Attributions that are new or stronger since the last tick.
 * process, program and socket are row ids of the database (0: null), assigned by the thread that attributes.
 */
export const END_COLUMNS = {
  serial: 'f64', // flow
  side: 'u8', // FlowSide
  process: 'f64',
  program: 'f64', // filled for a shared socket too, with what all holders agree on
  socket: 'f64',
  netns: 'f64',
  source: 'u8', // code of SOURCES
  match: 'u8', // code of MATCHES
  reason: 'u8', // code of REASONS
  holders: 'u32',
  gapUs: 'f64',
} as const;
export type EndColumns = Columns<typeof END_COLUMNS>;
