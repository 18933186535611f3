/** The counters of all times together: what lists without a range of time are read from, however long was recorded. */

export const REMOTE_KEY = ['remote_address'] as const;
/** As in the counters by minute, the remote first: who talked to it stands together. */
export const CALLER_KEY = ['remote_address', 'program', 'reason'] as const;

/** Of the flows that name a process at an end, seen from there. */
export const PROCESS_SUMS = ['flows', 'tx_ip_bytes', 'rx_ip_bytes'] as const;
