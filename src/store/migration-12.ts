/**
 * Schema version 12: what connections carried in all, as the kernel says when it destroys their sockets; and looks at new
 * processes that were left out, which were counted as lost facts.
 */
export const MIGRATION_12 = `
ALTER TABLE socket ADD COLUMN sent_bytes INTEGER;
ALTER TABLE socket ADD COLUMN acked_bytes INTEGER;
ALTER TABLE socket ADD COLUMN received_bytes INTEGER;
ALTER TABLE capture ADD COLUMN looks_skipped INTEGER;`;
