/** Whose turn it is while a file is read: reading is synchronous, the rest of the world is not. */

/** What came is handed over also when nothing more comes. */
export async function within(ms: number, more: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([more, late]);
  clearTimeout(timer);
}

/** Lets timers, signals and threads have their turn. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
