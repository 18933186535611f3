import type { Check } from '../core/health.ts';
import { escapeTerminal } from '../report/escape.ts';

const SIGN = { ok: 'ok ', degraded: '-- ', missing: 'NO ' } as const;

/** A line a check; what is lost and what helps stand below it. */
export function formatCheck(check: Check): string {
  const lines = [`${SIGN[check.state]} ${check.name.padEnd(16)} ${escapeTerminal(check.detail)}`];
  if (check.loss !== null) lines.push(`${' '.repeat(21)}lost: ${escapeTerminal(check.loss)}`);
  if (check.remedy !== null) lines.push(`${' '.repeat(21)}help: ${escapeTerminal(check.remedy)}`);
  return `${lines.join('\n')}\n`;
}
