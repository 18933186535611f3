import { formatTimeUs, HOUR_US, MINUTE_US, SECOND_US, type Us } from '../core/time.ts';

/** Local time minus UTC at an instant, in microseconds: east of Greenwich is positive. */
export type Zone = (us: Us) => Us;

export const utcZone: Zone = () => 0;
/** The zone of this process, from $TZ or /etc/localtime. */
export const localZone: Zone = (us) => -new Date(us / 1000).getTimezoneOffset() * MINUTE_US;

/** `2026-11-21 14:04:05` in `zone`. */
export function formatLocal(us: Us, zone: Zone): string {
  return new Date(Math.floor((us + zone(us)) / 1000)).toISOString().slice(0, 19).replace('T', ' ');
}

/** The same without the year: `11-21 14:04:05`. */
export function formatShort(us: Us, zone: Zone): string {
  return formatLocal(us, zone).slice(5);
}

/** ISO 8601 with microseconds: `2026-11-21T14:04:05.000123+01:00`, `...Z` where local time is UTC. */
export function formatIso(us: Us, zone: Zone): string {
  const offset = zone(us);
  const text = formatTimeUs(us + offset);
  if (offset === 0) return text;
  const minutes = Math.abs(offset) / MINUTE_US;
  const [hh, mm] = [Math.floor(minutes / 60), Math.round(minutes % 60)].map((n) => String(n).padStart(2, '0'));
  return `${text.slice(0, -1)}${offset < 0 ? '-' : '+'}${hh}:${mm}`;
}

/** `250 ms`, `12.5 s`, `3m05s`, `2h03m`. */
export function formatSpan(us: Us): string {
  if (us < SECOND_US) return `${Math.round(us / 1000)} ms`;
  if (us < MINUTE_US) return `${(us / SECOND_US).toFixed(1)} s`;
  const [big, small, units] = us < HOUR_US ? [MINUTE_US, SECOND_US, 'ms'] : [HOUR_US, MINUTE_US, 'hm'];
  const part = String(Math.floor((us % big) / small)).padStart(2, '0');
  return `${Math.floor(us / big)}${units[0]}${part}${units[1] === 'm' ? 'm' : 's'}`;
}
