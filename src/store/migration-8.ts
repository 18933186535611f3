/**
 * Schema version 8: where in a TCP stream a process took a socket over. Its first octets are sent before the kernel tells
 * of it, so time alone gives them to the process before.
 */
export const MIGRATION_8 = `
ALTER TABLE holder ADD COLUMN sent_from INTEGER;
ALTER TABLE holder ADD COLUMN received_from INTEGER;`;
