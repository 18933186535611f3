/**
 * Schema version 13: counters of all times by remote address and by process, from which hosts and processes are listed,
 * however many flows there are.
 */
const SUMS = ['flows', 'tx_packets', 'tx_bytes', 'tx_ip_bytes', 'rx_packets', 'rx_bytes', 'rx_ip_bytes'];
const columns = SUMS.map((name) => `${name} INTEGER NOT NULL`).join(', ');
const sums = SUMS.map((name) => `sum(${name})`).join(', ');
const lastOf = (level: string) => `SELECT remote_address, max(bucket_us) AS us FROM traffic_${level} GROUP BY 1`;
const endOf = (side: string, tx: string, rx: string) => `
SELECT ${side}_process AS process, ${tx}_ip_bytes AS tx, ${rx}_ip_bytes AS rx, last_us FROM flow WHERE ${side}_process IS NOT NULL`;

/** Of counters by day, which are complete, and of flows. */
export const FILL_TOTALS = `INSERT INTO remote_program SELECT remote_address, program, reason, ${sums} FROM traffic_day GROUP BY 1, 2, 3;
INSERT INTO remote_total (remote_address, ${SUMS.join(', ')}) SELECT remote_address, ${sums} FROM remote_program GROUP BY 1;
UPDATE remote_total SET last_us = seen.us FROM (SELECT remote_address, max(us) AS us FROM (
  ${['minute', 'hour', 'day'].map(lastOf).join('\n  UNION ALL ')}) GROUP BY 1) AS seen
WHERE seen.remote_address = remote_total.remote_address;
INSERT INTO process_total SELECT process, count(*), sum(tx), sum(rx), max(last_us)
FROM (${endOf('src', 'orig', 'reply')} UNION ALL ${endOf('dst', 'reply', 'orig')}) GROUP BY 1;`;

export const MIGRATION_13 = `
CREATE TABLE remote_total (remote_address INTEGER PRIMARY KEY REFERENCES address, ${columns}, last_us INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE remote_program (
  remote_address INTEGER NOT NULL, program INTEGER NOT NULL, reason INTEGER NOT NULL, ${columns},
  PRIMARY KEY (remote_address, program, reason)
) STRICT, WITHOUT ROWID;
CREATE TABLE process_total (
  process INTEGER PRIMARY KEY REFERENCES process, flows INTEGER NOT NULL,
  tx_ip_bytes INTEGER NOT NULL, rx_ip_bytes INTEGER NOT NULL, last_us INTEGER NOT NULL
) STRICT;
CREATE INDEX process_program ON process (program, comm);
${FILL_TOTALS}
INSERT INTO kept (what, from_us) SELECT 'remotes', from_us FROM kept WHERE what = 'day';`;
