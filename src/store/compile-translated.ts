/** Sockets as others saw them: their tuples behind address translation, for who names packets that somebody else captured there. */
import type { Us } from '../core/time.ts';
import type { CompiledQuery } from './compile-query.ts';

/** A client is behind what its packets become; a server has the translated tuple itself, and is reached at the original one. */
const CLIENT = ['src', 'dst', 'nat_src', 'nat_dst'] as const;
const SERVER = ['nat_dst', 'nat_src', 'dst', 'src'] as const;

const half = ([local, remote, seenLocal, seenRemote]: typeof CLIENT | typeof SERVER): string => `
SELECT s.id AS socket, s.from_us AS began_us, max(s.from_us, t.from_us) AS from_us,
  min(s.to_us, coalesce(t.to_us, s.to_us)) AS to_us, t.${seenLocal}_address AS seen_local, t.${seenLocal}_port AS local_port,
  t.${seenRemote}_address AS seen_remote, t.${seenRemote}_port AS remote_port
FROM translation t JOIN socket s ON s.local_address = t.${local}_address AND s.local_port IS t.${local}_port
  AND s.remote_address = t.${remote}_address AND s.remote_port IS t.${remote}_port AND s.protocol = t.protocol
WHERE s.to_us >= ? AND t.from_us <= s.to_us AND coalesce(t.to_us, s.to_us) >= s.from_us`;

/**
 * A row per translation of a socket that was there since `sinceUs`, in the order of compileHistory(): `socket`, its other
 * tuple, and the interval in which it had it.
 */
export function compileTranslated(sinceUs: Us): CompiledQuery {
  return {
    sql: `SELECT o.socket, o.began_us, o.from_us, o.to_us, l.bytes AS local_bytes, o.local_port, r.bytes AS remote_bytes,
  o.remote_port FROM (${half(CLIENT)} UNION ALL ${half(SERVER)}) o
JOIN address l ON l.id = o.seen_local JOIN address r ON r.id = o.seen_remote
ORDER BY o.began_us, o.socket, o.from_us`,
    params: [sinceUs, sinceUs],
  };
}
