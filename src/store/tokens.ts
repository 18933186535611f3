/** Token tables: rows hold small integers, people and machines read text. Codes are the indexes of the core arrays. */
import { CONFIDENCE_TABLE, CONFIDENCES, MATCHES, REASONS, ROLES } from '../core/attribution.ts';
import { FLOW_END_REASONS } from '../core/flow.ts';
import { NAME_SOURCES } from '../core/name.ts';
import { SOCKET_STATE_NAMES, SOURCES } from '../core/socket.ts';
import { protocolName } from '../core/tuple.ts';
import type { Sqlite } from './sqlite.ts';

/** Tables of (id, token); a null token has no row: it is NULL wherever it would be stored. */
export const TOKEN_TABLES: Readonly<Record<string, readonly (string | null)[]>> = {
  source: SOURCES,
  reason: REASONS,
  role: ROLES,
  end_reason: FLOW_END_REASONS,
  confidence: CONFIDENCES,
  protocol: Array.from({ length: 256 }, (_, number) => protocolName(number)),
  socket_state: SOCKET_STATE_NAMES,
  name_source: NAME_SOURCES,
};

/** Adds the tokens that this version of the program knows and the file does not. Codes never change their meaning. */
export function writeTokens(db: Sqlite): void {
  for (const [table, tokens] of Object.entries(TOKEN_TABLES)) {
    const insert = db.prepare(`INSERT INTO ${table} (id, token) VALUES (?, ?) ON CONFLICT (id) DO NOTHING`);
    tokens.forEach((token, id) => {
      if (token !== null) insert.run(id, token);
    });
  }
  const insert = db.prepare('INSERT INTO match (id, token, held, gap) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING');
  MATCHES.forEach((match, id) => {
    if (match !== null) insert.run(id, match, CONFIDENCE_TABLE[match].held, CONFIDENCE_TABLE[match].gap);
  });
}
