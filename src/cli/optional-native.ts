import { UserError } from '../core/errors.ts';
import { loadNative, type Native } from '../native/binding.ts';

/** The addon, or undefined where there is none: for commands that also work by /proc. */
export function tryNative(): Native | undefined {
  try {
    return loadNative();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
