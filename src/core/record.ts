/** The flat flow record of machine output: the same names in ndjson, csv and the SQL view `flow_record`. */

const END_FIELDS = [
  'netns',
  'pid',
  'comm',
  'exe',
  'cmdline',
  'uid',
  'user',
  'unit',
  'container',
  'name',
  'source',
  'match',
  'confidence',
  'reason',
  'gap_us',
  'holders',
  'name_source',
] as const;

export const FLOW_RECORD_FIELDS = [
  'flow_id',
  'host',
  'netns',
  'interface',
  'protocol',
  'src_addr',
  'src_port',
  'dst_addr',
  'dst_port',
  'nat_src_addr',
  'nat_src_port',
  'nat_dst_addr',
  'nat_dst_port',
  'first_us',
  'last_us',
  'end_reason',
  'orig_packets',
  'orig_bytes',
  'orig_ip_bytes',
  'reply_packets',
  'reply_bytes',
  'reply_ip_bytes',
  ...END_FIELDS.map((field) => `src_${field}` as const),
  ...END_FIELDS.map((field) => `dst_${field}` as const),
] as const;
export type FlowRecordField = (typeof FLOW_RECORD_FIELDS)[number];

/** What is absent is null, never 0 or "". */
export type Value = string | number | null;
export type FlowRecord = Record<FlowRecordField, Value>;
