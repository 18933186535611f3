/** Schema version 10: since when the ownership history is complete. It is kept longer than flows; until now it went with them. */
export const MIGRATION_10 = `INSERT INTO kept (what, from_us) SELECT 'sockets', from_us FROM kept WHERE what = 'flows';`;
