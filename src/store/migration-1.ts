import { views } from './views.ts';

/**
 * Schema version 1 (docs/schema.md explains every table and column). Released: never edit, add a migration instead.
 *
 * Indexes are on columns that never change once they are set. Measured on ticks of 1,000 new flows with both ends,
 * 200,000 flows, CPU per flow: no index 12 us, with flow_first 13 us, with the two of processes too 17 us, with two of
 * addresses as well 24 us (left out: looking up a bare address scans). 88, 107, 128 and 170 octets a flow.
 * flow_*_shared hold only ends without a process: several hold the socket, or nothing but the user is known.
 */
type Side = 'src' | 'dst';

const INDEXES = `
CREATE INDEX flow_first ON flow (first_us);
CREATE INDEX flow_src_process ON flow (src_process, first_us) WHERE src_process IS NOT NULL;
CREATE INDEX flow_dst_process ON flow (dst_process, first_us) WHERE dst_process IS NOT NULL;
CREATE INDEX flow_src_shared ON flow (src_program, first_us) WHERE src_process IS NULL AND src_program IS NOT NULL;
CREATE INDEX flow_dst_shared ON flow (dst_program, first_us) WHERE dst_process IS NULL AND dst_program IS NOT NULL;
CREATE INDEX program_fields ON program (exe, unit, container, uid);
`;

const TOKENS = ['source', 'reason', 'role', 'end_reason', 'confidence', 'protocol', 'socket_state']
  .map((name) => `CREATE TABLE ${name} (id INTEGER PRIMARY KEY, token TEXT NOT NULL) STRICT;`)
  .join('\n');

const TABLES = `
CREATE TABLE match (id INTEGER PRIMARY KEY, token TEXT NOT NULL, held TEXT NOT NULL, gap TEXT NOT NULL) STRICT;

CREATE TABLE host (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE boot (
  id INTEGER PRIMARY KEY, host INTEGER NOT NULL REFERENCES host, boot_id TEXT NOT NULL, UNIQUE (host, boot_id)
) STRICT;
CREATE TABLE clock (
  boot INTEGER NOT NULL REFERENCES boot, boot_us INTEGER NOT NULL, offset_us INTEGER NOT NULL,
  PRIMARY KEY (boot, boot_us)
) STRICT, WITHOUT ROWID;
CREATE TABLE netns (
  id INTEGER PRIMARY KEY, boot INTEGER NOT NULL REFERENCES boot, inode INTEGER NOT NULL, cookie INTEGER, name TEXT,
  from_us INTEGER NOT NULL, to_us INTEGER, UNIQUE (boot, inode, from_us)
) STRICT;
CREATE TABLE recorder (
  id INTEGER PRIMARY KEY CHECK (id = 1), boot_id TEXT NOT NULL, pid INTEGER NOT NULL, start_ticks INTEGER NOT NULL,
  since_us INTEGER NOT NULL
) STRICT;

CREATE TABLE capture (
  id INTEGER PRIMARY KEY, host INTEGER NOT NULL REFERENCES host, boot INTEGER NOT NULL REFERENCES boot,
  netns INTEGER REFERENCES netns, interface TEXT NOT NULL, backend TEXT NOT NULL, filter TEXT NOT NULL,
  snaplen INTEGER NOT NULL, command TEXT NOT NULL, version TEXT NOT NULL, sources TEXT NOT NULL,
  flow_base INTEGER NOT NULL, started_us INTEGER NOT NULL, last_us INTEGER NOT NULL, ended_us INTEGER,
  forced INTEGER NOT NULL DEFAULT 0, longest_us INTEGER NOT NULL DEFAULT 0,
  packets INTEGER, bytes INTEGER, ip_bytes INTEGER, flow_packets INTEGER, flow_bytes INTEGER,
  duplicate_packets INTEGER, duplicate_bytes INTEGER, not_ip_packets INTEGER, not_ip_bytes INTEGER,
  bad_packets INTEGER, bad_bytes INTEGER, received INTEGER, kernel_drops INTEGER, interface_drops INTEGER,
  flows_evicted INTEGER, flows_lost INTEGER, facts_lost INTEGER
) STRICT;
CREATE TABLE capture_interface (
  capture INTEGER NOT NULL REFERENCES capture, ifindex INTEGER NOT NULL, name TEXT NOT NULL,
  packets INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (capture, ifindex)
) STRICT, WITHOUT ROWID;

CREATE TABLE address (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL UNIQUE, text TEXT NOT NULL) STRICT;
CREATE TABLE user (
  host INTEGER NOT NULL REFERENCES host, uid INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (host, uid)
) STRICT, WITHOUT ROWID;
CREATE TABLE program (id INTEGER PRIMARY KEY, exe TEXT, unit TEXT, container TEXT, uid INTEGER) STRICT;
CREATE TABLE process (
  id INTEGER PRIMARY KEY, boot INTEGER NOT NULL REFERENCES boot, pid INTEGER NOT NULL, start_ticks INTEGER NOT NULL,
  parent_pid INTEGER NOT NULL, comm TEXT NOT NULL, exe TEXT, cmdline TEXT, uid INTEGER NOT NULL, cgroup TEXT,
  netns INTEGER REFERENCES netns, program INTEGER NOT NULL REFERENCES program,
  first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, exit_us INTEGER, UNIQUE (boot, pid, start_ticks)
) STRICT;
CREATE TABLE socket (
  id INTEGER PRIMARY KEY, boot INTEGER NOT NULL REFERENCES boot, netns INTEGER REFERENCES netns,
  protocol INTEGER NOT NULL, local_address INTEGER NOT NULL REFERENCES address, local_port INTEGER,
  remote_address INTEGER REFERENCES address, remote_port INTEGER, cookie INTEGER, inode INTEGER, uid INTEGER,
  state INTEGER NOT NULL, process INTEGER REFERENCES process, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL
) STRICT;
CREATE TABLE holder (
  socket INTEGER NOT NULL REFERENCES socket, process INTEGER NOT NULL REFERENCES process,
  role INTEGER NOT NULL REFERENCES role, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL,
  PRIMARY KEY (socket, process, role)
) STRICT, WITHOUT ROWID;
`;

const flowEnd = (side: Side) => `
  ${side}_process INTEGER REFERENCES process, ${side}_program INTEGER REFERENCES program,
  ${side}_socket INTEGER REFERENCES socket, ${side}_netns INTEGER REFERENCES netns,
  ${side}_source INTEGER REFERENCES source, ${side}_match INTEGER REFERENCES match,
  ${side}_reason INTEGER REFERENCES reason, ${side}_gap_us INTEGER, ${side}_holders INTEGER`;

const FLOW = `
CREATE TABLE flow (
  id INTEGER PRIMARY KEY, capture INTEGER NOT NULL REFERENCES capture, netns INTEGER REFERENCES netns,
  protocol INTEGER NOT NULL REFERENCES protocol, src_address INTEGER NOT NULL REFERENCES address, src_port INTEGER,
  dst_address INTEGER NOT NULL REFERENCES address, dst_port INTEGER, ifindex INTEGER, packet_type INTEGER,
  first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, end_reason INTEGER REFERENCES end_reason,
  orig_packets INTEGER NOT NULL, orig_bytes INTEGER NOT NULL, orig_ip_bytes INTEGER NOT NULL,
  reply_packets INTEGER NOT NULL, reply_bytes INTEGER NOT NULL, reply_ip_bytes INTEGER NOT NULL,
  duplicate_packets INTEGER NOT NULL, duplicate_bytes INTEGER NOT NULL,${flowEnd('src')},${flowEnd('dst')}
) STRICT;
`;

export const MIGRATION_1 = [TOKENS, TABLES, FLOW, INDEXES, views(1)].join('\n');
