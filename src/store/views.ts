/** The views that people and programs read, as each schema version has them. */
import { SERVICE_PORT_SQL } from './service-port.ts';

type Side = 'src' | 'dst';

/** What a version of the views can show. */
interface ViewParts {
  readonly nat: boolean; // the translated tuple, names of containers, and interfaces by namespace
  readonly services: boolean; // the service port is the listening end's, also of a flow that began with an answer
  readonly names: boolean; // of hosts
}

const OTHER = { src: 'dst', dst: 'src' } as const;

/** The newest answer about the address of an end: one that its peer's process heard, before the flow began, is better. */
const heardName = (side: Side) => `(SELECT a.id FROM name a WHERE a.address = f.${side}_address
    AND a.process = f.${OTHER[side]}_process AND a.from_us <= f.first_us AND a.source <= 3
    ORDER BY a.from_us DESC LIMIT 1)`;
const anyName = (side: Side) => `(SELECT a.id FROM name a WHERE a.address = f.${side}_address
    AND a.from_us <= f.last_us AND a.source <= 3 ORDER BY a.from_us DESC LIMIT 1)`;

/** Row of `name` for an end of the flow `f`: what the flow itself said, else an answer. */
const nameOfEnd = (side: Side) => `coalesce(f.${side}_name, ${heardName(side)}, ${anyName(side)})`;

/** The same as text, for conditions. */
export const nameTextOf = (side: Side) =>
  `(SELECT h.text FROM name n JOIN host_name h ON h.id = n.host_name WHERE n.id = ${nameOfEnd(side)})`;

/**
 * Source 7 is 'address' (BY_ADDRESS of core/name.ts): neither the flow said so, nor was its own process told so before.
 * Decided in a join and not in a column, because SQLite drops only joins that no column computes with.
 */
const nameJoins = (side: Side, t: string) => `
LEFT JOIN name ${t}w ON ${t}w.id = ${nameOfEnd(side)}
LEFT JOIN host_name ${t}x ON ${t}x.id = ${t}w.host_name
LEFT JOIN name_source ${t}v ON ${t}v.id = CASE WHEN ${t}w.id = f.${side}_name
    OR (${t}w.process = f.${OTHER[side]}_process AND ${t}w.from_us <= f.first_us) THEN ${t}w.source
    WHEN ${t}w.id IS NOT NULL THEN 7 END`;

/** NO_UID of core/socket.ts stands for a user that is not known. */
const uidOf = (t: string, parts: ViewParts) =>
  parts.nat ? `coalesce(${t}g.uid, nullif(${t}p.uid, 4294967295))` : `coalesce(${t}g.uid, ${t}p.uid)`;

/** Tables that say whose an end is; `t` keeps the aliases of two ends apart. */
const ownerJoins = (side: Side, t: string, parts: ViewParts) => `
LEFT JOIN process ${t}p ON ${t}p.id = f.${side}_process
LEFT JOIN program ${t}g ON ${t}g.id = f.${side}_program
LEFT JOIN user ${t}u ON ${t}u.host = c.host AND ${t}u.uid = ${uidOf(t, parts)}
LEFT JOIN netns ${t}n ON ${t}n.id = f.${side}_netns
LEFT JOIN source ${t}s ON ${t}s.id = f.${side}_source
LEFT JOIN match ${t}m ON ${t}m.id = f.${side}_match
LEFT JOIN reason ${t}r ON ${t}r.id = f.${side}_reason${
  parts.nat
    ? `
LEFT JOIN container ${t}c ON ${t}c.id = ${t}g.container`
    : ''
}${parts.names ? nameJoins(side, t) : ''}`;

/** Reason 8 is 'ambiguous'. The same decision as confidence() of core/attribution.ts. */
const confidenceOf = (side: Side, t: string) => `CASE WHEN ${t}p.id IS NOT NULL AND ${t}m.id IS NOT NULL
    THEN CASE WHEN f.${side}_gap_us > 0 THEN ${t}m.gap ELSE ${t}m.held END
    WHEN f.${side}_reason = 8 THEN 'ambiguous' ELSE 'unknown' END`;

/**
 * The program is what the process was when the flow was named; the process row is what it became (exec, setuid).
 *
 * @param as before each name of a column: '' or 'src_' or 'dst_'
 */
const ownerColumns = (
  side: Side,
  t: string,
  as: string,
  parts: ViewParts,
) => `${t}n.inode AS ${as}netns, ${t}p.pid AS ${as}pid,
  ${t}p.comm AS ${as}comm, coalesce(${t}g.exe, ${t}p.exe) AS ${as}exe, ${t}p.cmdline AS ${as}cmdline,
  ${uidOf(t, parts)} AS ${as}uid, ${t}u.name AS ${as}user, ${t}g.unit AS ${as}unit,
  ${parts.nat ? `coalesce(${t}c.name, ${t}g.container)` : `${t}g.container`} AS ${as}container, ${parts.names ? `${t}x.text` : 'NULL'} AS ${as}name, ${t}s.token AS ${as}source, ${t}m.token AS ${as}match,
  ${confidenceOf(side, t)} AS ${as}confidence, ${t}r.token AS ${as}reason,
  f.${side}_gap_us AS ${as}gap_us, f.${side}_holders AS ${as}holders${
    parts.names ? `, ${t}v.token AS ${as}name_source` : ''
  }`;

/** Reasons 4 and 5 are 'forwarded' and 'not-local': such an end is not on this host. */
const endpointOf = (side: Side, other: Side, tx: string, rx: string, parts: ViewParts) => `
SELECT f.id AS flow_id, '${side}' AS side, h.name AS host, o.token AS protocol,
  l.text AS local_addr, f.${side}_port AS local_port, r.text AS remote_addr, f.${other}_port AS remote_port,
  ${parts.services ? SERVICE_PORT_SQL : 'CASE WHEN f.protocol NOT IN (1, 58) THEN f.dst_port END'} AS service_port,
  f.first_us AS first_us, f.last_us AS last_us,
  f.${tx}_packets AS tx_packets, f.${tx}_bytes AS tx_bytes, f.${tx}_ip_bytes AS tx_ip_bytes,
  f.${rx}_packets AS rx_packets, f.${rx}_bytes AS rx_bytes, f.${rx}_ip_bytes AS rx_ip_bytes,
  ${ownerColumns(side, 'e', '', parts)},
  f.capture AS capture, f.${side}_process AS process, f.${side}_program AS program,
  f.${other}_address AS remote_address, f.protocol AS protocol_number${
    parts.names ? `, rx.text AS remote_name, rv.token AS remote_name_source` : ''
  }
FROM flow f
LEFT JOIN capture c ON c.id = f.capture
LEFT JOIN host h ON h.id = c.host
LEFT JOIN protocol o ON o.id = f.protocol
LEFT JOIN address l ON l.id = f.${side}_address
LEFT JOIN address r ON r.id = f.${other}_address${ownerJoins(side, 'e', parts)}${parts.names ? nameJoins(other, 'r') : ''}
WHERE f.${side}_process IS NOT NULL OR f.${side}_reason NOT IN (4, 5)`;

const endpoint = (parts: ViewParts) => `CREATE VIEW endpoint AS ${endpointOf('src', 'dst', 'orig', 'reply', parts)}
UNION ALL ${endpointOf('dst', 'src', 'reply', 'orig', parts)};`;

const NO_NAT_COLUMNS = 'NULL AS nat_src_addr, NULL AS nat_src_port, NULL AS nat_dst_addr, NULL AS nat_dst_port';
const NAT_COLUMNS = `ns.text AS nat_src_addr, f.nat_src_port AS nat_src_port,
  nd.text AS nat_dst_addr, f.nat_dst_port AS nat_dst_port`;
const NAT_JOINS = `
LEFT JOIN address ns ON ns.id = f.nat_src_address
LEFT JOIN address nd ON nd.id = f.nat_dst_address`;
const NAT_INTERFACE = ' AND ci.netns = coalesce(f.netns, 0)';

/** LEFT JOINs, although most always match: so the flow stays the outer loop, and joins of unread columns are dropped. */
const flowRecord = (parts: ViewParts) => `CREATE VIEW flow_record AS
SELECT f.id AS flow_id, h.name AS host, n.inode AS netns,
  coalesce(ci.name, CASE WHEN c.backend <> 'file' AND c.interface <> 'any' THEN c.interface END) AS interface,
  p.token AS protocol, sa.text AS src_addr, f.src_port AS src_port, da.text AS dst_addr, f.dst_port AS dst_port,
  ${parts.nat ? NAT_COLUMNS : NO_NAT_COLUMNS},
  f.first_us AS first_us, f.last_us AS last_us, e.token AS end_reason,
  f.orig_packets AS orig_packets, f.orig_bytes AS orig_bytes, f.orig_ip_bytes AS orig_ip_bytes,
  f.reply_packets AS reply_packets, f.reply_bytes AS reply_bytes, f.reply_ip_bytes AS reply_ip_bytes,
  ${ownerColumns('src', 's', 'src_', parts)},
  ${ownerColumns('dst', 'd', 'dst_', parts)}
FROM flow f
LEFT JOIN capture c ON c.id = f.capture
LEFT JOIN host h ON h.id = c.host
LEFT JOIN netns n ON n.id = f.netns
LEFT JOIN capture_interface ci ON ci.capture = f.capture AND ci.ifindex = f.ifindex${parts.nat ? NAT_INTERFACE : ''}
LEFT JOIN protocol p ON p.id = f.protocol
LEFT JOIN address sa ON sa.id = f.src_address
LEFT JOIN address da ON da.id = f.dst_address
LEFT JOIN end_reason e ON e.id = f.end_reason${parts.nat ? NAT_JOINS : ''}${ownerJoins('src', 's', parts)}${ownerJoins('dst', 'd', parts)};`;

/** Both views, as schema `version` has them. */
export const views = (version: 1 | 2 | 3 | 4): string => {
  const parts = { nat: version >= 2, services: version >= 3, names: version >= 4 };
  return [endpoint(parts), flowRecord(parts)].join('\n');
};
