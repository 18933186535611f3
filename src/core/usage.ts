/** What usage adds up, and by what: names of columns, the same in the database and in machine output. */

/** Columns that name a group; those that a grouping does not use are null. */
export const USAGE_KEYS = [
  'bucket_us',
  'pid',
  'comm',
  'exe',
  'uid',
  'user',
  'unit',
  'container',
  'remote_addr',
  'remote_name',
  'protocol',
  'port',
  'interface',
] as const;
export type UsageKey = (typeof USAGE_KEYS)[number];

/** Of local ends: each moved these bytes. `flows` began in the bucket, so that buckets add up. */
export const TRAFFIC_SUMS = [
  'flows',
  'tx_packets',
  'tx_bytes',
  'tx_ip_bytes',
  'rx_packets',
  'rx_bytes',
  'rx_ip_bytes',
] as const;
/** The same and the sums of both directions, as answers have them. */
export const USAGE_SUMS = [...TRAFFIC_SUMS, 'packets', 'ip_bytes'] as const;
