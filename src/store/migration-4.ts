import { views } from './views.ts';

/**
 * Schema version 4: what addresses and flows were called. A text is a row once, also written backwards, so that an index
 * finds all names below a domain.
 */
export const MIGRATION_4 = `
DROP VIEW endpoint;
DROP VIEW flow_record;
CREATE TABLE name_source (id INTEGER PRIMARY KEY, token TEXT NOT NULL) STRICT;
CREATE TABLE host_name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, backwards TEXT NOT NULL) STRICT;
CREATE INDEX host_name_backwards ON host_name (backwards);
CREATE TABLE name (
  id INTEGER PRIMARY KEY, address INTEGER NOT NULL REFERENCES address, host_name INTEGER NOT NULL REFERENCES host_name,
  source INTEGER NOT NULL REFERENCES name_source, process INTEGER REFERENCES process,
  from_us INTEGER NOT NULL, to_us INTEGER NOT NULL
) STRICT;
CREATE INDEX name_address ON name (address, from_us);
CREATE INDEX name_process ON name (address, process, from_us) WHERE process IS NOT NULL;
CREATE INDEX name_host_name ON name (host_name);
ALTER TABLE flow ADD COLUMN src_name INTEGER REFERENCES name;
ALTER TABLE flow ADD COLUMN dst_name INTEGER REFERENCES name;
ALTER TABLE capture ADD COLUMN names_lost INTEGER;
CREATE VIEW name_record AS
SELECT h.name AS host, a.text AS address, x.text AS name, s.token AS source, p.pid AS pid, p.comm AS comm,
  coalesce(g.exe, p.exe) AS exe, u.name AS user, n.from_us AS from_us, n.to_us AS to_us, n.process AS process,
  n.address AS address_row
FROM name n
LEFT JOIN address a ON a.id = n.address
LEFT JOIN host_name x ON x.id = n.host_name
LEFT JOIN name_source s ON s.id = n.source
LEFT JOIN process p ON p.id = n.process
LEFT JOIN program g ON g.id = p.program
LEFT JOIN boot b ON b.id = p.boot
LEFT JOIN host h ON h.id = b.host
LEFT JOIN user u ON u.host = b.host AND u.uid = p.uid;
${views(4)}`;
