/** Schema version 12: what connections carried in all, as the kernel says when it destroys their sockets. */
export const MIGRATION_12 = `
ALTER TABLE socket ADD COLUMN sent_bytes INTEGER;
ALTER TABLE socket ADD COLUMN acked_bytes INTEGER;
ALTER TABLE socket ADD COLUMN received_bytes INTEGER;`;
