/** Octets for people: IEC 80000-13 (1 KiB = 1,024) or SI (1 kB = 1,000). */
const SYSTEMS = {
  iec: { step: 1024, units: ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] },
  si: { step: 1000, units: ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] },
} as const;

/** At most eight characters: `0 B`, `1023 B`, `1.50 KiB`, `15.0 KiB`, `1023 KiB`. */
export function formatSize(octets: number, system: keyof typeof SYSTEMS = 'iec'): string {
  const { step, units } = SYSTEMS[system];
  let value = octets;
  let unit = 0;
  // 1023.5 would be printed as 1024: the next unit says it better.
  while (value >= (unit === 0 ? step : step - 0.5) && unit < units.length - 1) {
    value /= step;
    unit++;
  }
  if (unit === 0) return `${Math.round(value)} B`;
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A share of a whole, `93.2 %`; nothing is ever rounded up to all or down to none. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.05) return '<0.1 %';
  if (percent < 100 && percent > 99.9) return '99.9 %';
  return `${percent.toFixed(1)} %`;
}

/** `1 flow`, `2 flows`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
