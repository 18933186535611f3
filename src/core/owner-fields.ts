/** What is written into captures about an end of a flow, in this order; names as in machine output, docs/schema.md. */
export const OWNER_FIELDS = [
  'pid',
  'start',
  'comm',
  'exe',
  'cmdline',
  'ppid',
  'uid',
  'unit',
  'container',
  'source',
  'match',
  'confidence',
  'gap_us',
  'holders',
  'reason',
] as const;
export type OwnerField = (typeof OWNER_FIELDS)[number];
