/**
 * Schema version 9: minutes that only the finest counters hold. Adding each tick to hours, days and programs too took
 * half of the time of a tick: a minute is added to them when it is over.
 */
export const MIGRATION_9 = 'CREATE TABLE unfolded (bucket_us INTEGER PRIMARY KEY) STRICT;';
