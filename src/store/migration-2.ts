import { views } from './views.ts';

/**
 * Schema version 2: the tuple on the other side of address translation, names of containers, interfaces by namespace,
 * counts of late facts, a holder's intervals as rows of their own. Evidence by cookie with a gap is likely, no longer exact.
 */
export const MIGRATION_2 = `
DROP VIEW endpoint;
DROP VIEW flow_record;
CREATE TABLE container (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT, WITHOUT ROWID;
ALTER TABLE capture ADD COLUMN facts_late INTEGER;
ALTER TABLE flow ADD COLUMN nat_src_address INTEGER REFERENCES address;
ALTER TABLE flow ADD COLUMN nat_src_port INTEGER;
ALTER TABLE flow ADD COLUMN nat_dst_address INTEGER REFERENCES address;
ALTER TABLE flow ADD COLUMN nat_dst_port INTEGER;
ALTER TABLE capture_interface RENAME TO capture_interface_1;
CREATE TABLE capture_interface (
  capture INTEGER NOT NULL REFERENCES capture, netns INTEGER NOT NULL, ifindex INTEGER NOT NULL, name TEXT NOT NULL,
  packets INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (capture, netns, ifindex)
) STRICT, WITHOUT ROWID;
INSERT INTO capture_interface (capture, netns, ifindex, name, packets, bytes)
  SELECT i.capture, coalesce(c.netns, 0), i.ifindex, i.name, i.packets, i.bytes
  FROM capture_interface_1 i JOIN capture c ON c.id = i.capture;
DROP TABLE capture_interface_1;
ALTER TABLE holder RENAME TO holder_1;
CREATE TABLE holder (
  socket INTEGER NOT NULL REFERENCES socket, process INTEGER NOT NULL REFERENCES process,
  role INTEGER NOT NULL REFERENCES role, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL,
  PRIMARY KEY (socket, process, role, from_us)
) STRICT, WITHOUT ROWID;
INSERT INTO holder (socket, process, role, from_us, to_us) SELECT socket, process, role, from_us, to_us FROM holder_1;
DROP TABLE holder_1;
UPDATE match SET gap = 'likely' WHERE token = 'cookie';
${views(2)}`;
