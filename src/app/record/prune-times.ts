/** A piece of work on what is too old; to write what it changed takes as long, and a tick may have to wait for both. */
export const PRUNE_BUDGET_MS = 25;
/** Between two such pieces: half of the time is left for ticks and checkpoints. */
export const PRUNE_PAUSE_MS = 25;
