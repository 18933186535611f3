/** What the child process of `--backend cap` and its starter say to each other. */

/** Exit codes. */
export const CapExit = { Done: 0, NotInstalled: 3, OpenFailed: 4 } as const;

/** Begin of a line on standard error; the rest of the line is for people. */
export const CapWord = { Ready: 'ready', NotInstalled: 'not-installed:', OpenFailed: 'open-failed:' } as const;
