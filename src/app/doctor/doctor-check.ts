/** The forms that a Check takes. */
import { UserError } from '../../core/errors.ts';
import type { Check } from '../../core/health.ts';

/** Loss of what no command uses yet, or what nobody misses who lives without it. */
const NOTHING = 'nothing in this release';

export const passed = (name: string, detail: string): Check => ({
  name,
  state: 'ok',
  detail,
  loss: null,
  remedy: null,
});

export const limited = (name: string, detail: string, loss: string, remedy: string | null = null): Check => ({
  name,
  state: 'degraded',
  detail,
  loss,
  remedy,
});

/** Something that only a later release builds on. */
export const unused = (name: string, detail: string): Check => limited(name, detail, NOTHING);

export const isLossless = ({ loss }: Check): boolean => loss === null || loss === NOTHING;

/** From what trying it threw. Anything but a UserError is a bug and goes on. */
export function failed(name: string, error: unknown, loss: string): Check {
  if (!(error instanceof UserError)) throw error;
  return { name, state: 'missing', detail: error.message, loss, remedy: error.hint };
}

export function notWanted(name: string, loss = 'what it alone sees'): Check {
  return { name, state: 'degraded', detail: 'left out by --sources', loss, remedy: null };
}
