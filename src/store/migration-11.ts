/**
 * Schema version 11: which tuples were translated into which others (NAT), and when. Packets that others captured where
 * they were translated already are named through it.
 */
export const MIGRATION_11 = `
CREATE TABLE translation (
  id INTEGER PRIMARY KEY, boot INTEGER NOT NULL REFERENCES boot, netns INTEGER REFERENCES netns,
  protocol INTEGER NOT NULL REFERENCES protocol,
  src_address INTEGER NOT NULL REFERENCES address, src_port INTEGER,
  dst_address INTEGER NOT NULL REFERENCES address, dst_port INTEGER,
  nat_src_address INTEGER NOT NULL REFERENCES address, nat_src_port INTEGER,
  nat_dst_address INTEGER NOT NULL REFERENCES address, nat_dst_port INTEGER,
  from_us INTEGER NOT NULL, to_us INTEGER
) STRICT;
CREATE INDEX translation_in_force ON translation (from_us) WHERE to_us IS NULL;`;
