/** Pictures of a page, drawn here: SVG without text, stretched to the width there is, and labels beside it as HTML. */
import type { Timeline } from '../../core/report.ts';
import { DAY_US, HOUR_US, MINUTE_US, type Us } from '../../core/time.ts';
import { formatLocal, formatSpan, type Zone } from '../local-time.ts';
import { formatSize } from '../size.ts';
import { type Html, html } from './html.ts';

/** Classes of style.ts, by rank; what has no colour of its own is the last one. */
const COLOURS = 6;
export const OTHERS_COLOUR = 'c-others';
export const UNATTRIBUTED_COLOUR = 'c-none';
export const colourOf = (rank: number): string => (rank < COLOURS ? `c${rank}` : OTHERS_COLOUR);

const HUNDREDTHS = 10_000;

/** @param part of the largest, 0 to 1 */
export function bar(part: number, colour = 'c0'): Html {
  const width = part > 0 ? Math.max(0.5, round(part * 100)) : 0;
  return html`<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect width="${width}" height="10" class="${colour}"/></svg>`;
}

const round = (value: number): number => Math.round(value * 100) / 100;

export interface Piece {
  readonly name: string;
  readonly value: number;
  readonly colour: string;
}

/** One bar of all pieces, beside each other. */
export function strip(title: string, pieces: readonly Piece[]): Html {
  const total = pieces.reduce((sum, { value }) => sum + value, 0);
  let at = 0;
  const rects = pieces.map(({ name, value, colour }) => {
    const x = at;
    const width = total === 0 ? 0 : (value / total) * HUNDREDTHS;
    at += width;
    return html`<rect x="${round(x)}" width="${round(width)}" height="10" class="${colour}"><title>${name}: ${formatSize(value)}</title></rect>`;
  });
  return html`<svg class="strip" viewBox="0 0 ${HUNDREDTHS} 10" preserveAspectRatio="none" role="img" aria-label="${title}">${rects}</svg>
`;
}

function legend(pieces: readonly Omit<Piece, 'value'>[]): Html {
  const entry = ({ name, colour }: Omit<Piece, 'value'>) =>
    html`<li><svg class="key" viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" class="${colour}"/></svg>${name}</li>
`;
  return html`<ul class="legend">
${pieces.map(entry)}</ul>
`;
}

const HEIGHT = 1000;
const PARTS_OF_Y = 4;

/** Bytes by time, stacked; the first course is at the bottom. @param names of the courses */
export function stacks(timeline: Timeline, names: readonly Omit<Piece, 'value'>[], zone: Zone): Html {
  const { courses, slots, from_us, slot_us } = timeline;
  const sums = Array.from({ length: slots }, (_, slot) =>
    courses.reduce((sum, { ip_bytes }) => sum + ip_bytes[slot]!, 0),
  );
  const most = niceCeiling(Math.max(1, ...sums));
  const timeOf = (slot: number): string => formatLocal(from_us + slot * slot_us, zone).slice(0, 16);
  const column = (slot: number): Html => {
    let top = HEIGHT;
    const rects = courses.map(({ ip_bytes }, i) => {
      const height = (ip_bytes[slot]! / most) * HEIGHT;
      top -= height;
      return height === 0
        ? null
        : html`<rect x="${slot + 0.08}" y="${round(top)}" width="0.84" height="${round(height)}" class="${names[i]!.colour}"/>`;
    });
    return html`<g><title>${timeOf(slot)}: ${formatSize(sums[slot]!)}</title>${rects}</g>
`;
  };
  const busiest = sums.indexOf(Math.max(...sums));
  const about = `Bytes by time, stacked by program, a bar for ${formatSpan(slot_us)}. The most, ${formatSize(sums[busiest]!)}, at ${timeOf(busiest)}.`;
  const lines = [1, 2, 3].map(
    (i) => html`<line x1="0" x2="${slots}" y1="${(i * HEIGHT) / PARTS_OF_Y}" y2="${(i * HEIGHT) / PARTS_OF_Y}"/>`,
  );
  return html`<div class="plot">
<div class="y" aria-hidden="true">${[4, 3, 2, 1, 0].map((i) => html`<span>${formatSize((most * i) / PARTS_OF_Y)}</span>`)}</div>
<svg class="stacks" viewBox="0 0 ${slots} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${about}"><desc>${about}</desc>
${lines}
${sums.map((sum, slot) => (sum === 0 ? null : column(slot)))}</svg>
${axis(from_us, from_us + slots * slot_us, zone)}</div>
${legend(names)}`;
}

/** The least of these steps that is not below `octets`: a quarter of it is short to write. */
function niceCeiling(octets: number): number {
  let unit = 1;
  while (octets / unit > 1024) unit *= 1024;
  for (let step = 1; ; step *= 10)
    for (const times of [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8])
      if (times * step * unit >= octets) return times * step * unit;
}

const MOMENTS: readonly Us[] = [
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_US),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_US),
  ...[1, 2, 7, 14, 28, 56, 182, 364].map((days) => days * DAY_US),
];
const MOST_MOMENTS = 6;

/** Round moments below a picture, in `zone`. */
function axis(fromUs: Us, toUs: Us, zone: Zone): Html {
  const spanUs = toUs - fromUs;
  const stepUs = MOMENTS.find((step) => spanUs / step < MOST_MOMENTS) ?? spanUs;
  const offsetUs = zone(fromUs);
  const ticks: Html[] = [];
  for (let us = Math.ceil((fromUs + offsetUs) / stepUs) * stepUs - offsetUs; us < toUs - spanUs / 25; us += stepUs) {
    const text = formatLocal(us, zone);
    ticks.push(tick((us - fromUs) / spanUs, text.slice(11, 16) === '00:00' ? text.slice(5, 10) : text.slice(11, 16)));
  }
  return html`<div class="x" aria-hidden="true">${ticks}</div>
`;
}

/** @param at 0: at the left edge, 1: at the right one */
const tick = (at: number, text: string): Html => html`<span style="left:${round(at * 100)}%">${text}</span>`;

export interface Lane {
  readonly name: string;
  readonly colour: string;
  readonly fromUs: Us;
  readonly toUs: Us;
  readonly value: number; // octets
}

/** A line for each flow, from its first packet to its last: for captures too short for bars. */
export function lanes(all: readonly Lane[], fromUs: Us, toUs: Us): Html {
  const span = Math.max(1, toUs - fromUs);
  const lane = ({ name, colour, ...one }: Lane): Html => {
    const x = ((one.fromUs - fromUs) / span) * HUNDREDTHS;
    const width = Math.max(30, ((one.toUs - one.fromUs) / span) * HUNDREDTHS);
    const about = `from ${formatSpan(one.fromUs - fromUs)} to ${formatSpan(one.toUs - fromUs)}, ${formatSize(one.value)}`;
    return html`<li><span class="name">${name}</span><svg class="lane" viewBox="0 0 ${HUNDREDTHS} 10" preserveAspectRatio="none" role="img" aria-label="${about}"><rect x="${round(Math.min(x, HUNDREDTHS - width))}" width="${round(width)}" height="10" class="${colour}"><title>${about}</title></rect></svg></li>
`;
  };
  const ticks = [0, 0.25, 0.5, 0.75].map((at) => tick(at, at === 0 ? '0' : formatSpan(span * at)));
  return html`<ol class="lanes">
${all.map(lane)}</ol>
<div class="x lanes-x" aria-hidden="true">${ticks}</div>
`;
}
