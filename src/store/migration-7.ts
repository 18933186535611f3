/**
 * Schema version 7: what an explanation needs of a socket beyond its owner (who told of it, and what its only process had
 * to do with it), and which files somebody read into this database or made.
 */
export const MIGRATION_7 = `
ALTER TABLE socket ADD COLUMN source INTEGER REFERENCES source;
ALTER TABLE socket ADD COLUMN role INTEGER REFERENCES role;
CREATE TABLE provenance (
  id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, use TEXT NOT NULL, path TEXT NOT NULL, bytes INTEGER, sha256 TEXT,
  command TEXT NOT NULL, version TEXT NOT NULL, capture INTEGER REFERENCES capture
) STRICT;
CREATE INDEX provenance_sha256 ON provenance (sha256) WHERE sha256 IS NOT NULL;`;
