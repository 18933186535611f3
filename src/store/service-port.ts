/**
 * The port that names a service: that of the listening end, never the ephemeral one. dst is the end that was asked, but
 * where a capture began in the middle of a connection the first packet may have been an answer.
 */

/** Linux gives clients ports from here on: net.ipv4.ip_local_port_range. */
const EPHEMERAL = 32_768;

/** @returns null where there are no ports: ICMP (1, 58), whose "port" is an echo id, GRE ... */
export function servicePort(protocol: number, srcPort: number | null, dstPort: number | null): number | null {
  if (protocol === 1 || protocol === 58) return null;
  const isAnswer = srcPort !== null && dstPort !== null && dstPort >= EPHEMERAL && srcPort > 0 && srcPort < EPHEMERAL;
  return isAnswer ? srcPort : dstPort;
}

/** The same in SQL, of `flow f`. */
export const SERVICE_PORT_SQL = `CASE WHEN f.protocol IN (1, 58) THEN NULL
    WHEN f.dst_port >= ${EPHEMERAL} AND f.src_port > 0 AND f.src_port < ${EPHEMERAL} THEN f.src_port ELSE f.dst_port END`;
