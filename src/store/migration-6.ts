/** Schema version 6: what the kernel itself counted at each interface, to compare what was captured with. */
export const MIGRATION_6 = 'ALTER TABLE capture_interface ADD COLUMN kernel_bytes INTEGER;';
