/** What `read` says of its input as a whole: totals, what no flow has, damage. */
import type { ChosenFlows } from '../app/read/choose-flows.ts';
import type { FileResult } from '../app/read/file-reading.ts';
import { linkTypeName } from '../decode/link-type-name.ts';
import { tryNative } from '../native/binding.ts';
import { escapeTerminal } from '../report/escape.ts';
import { countText, formatShare, formatSize } from '../report/size.ts';
import type { Context } from './context.ts';
import { type FormatFlags, printRows } from './formats.ts';

/** Over all flows; a flow is named when a process stands at any of its ends. */
interface Totals {
  readonly flows: number;
  readonly ipBytes: number;
  readonly namedFlows: number;
}

/** A file can name 65,536 link types: so many are named, most packets first. */
const MOST_NAMED = 10;
/** Packets after which somebody waits for the end. */
const LONG_READING = 1e6;

const FIELDS = [
  ...['packets', 'bytes', 'ip_bytes', 'flows', 'named_flows', 'duplicate_packets', 'not_ip_packets', 'bad_packets'],
  ...['unsupported_packets', 'unsupported', 'damage'],
];
/** Beside them when a filter was given: of the flows that pass it. */
const CHOSEN_FIELDS = ['chosen_flows', 'chosen_packets', 'chosen_bytes', 'chosen_ip_bytes'];

/** Lines for people, one record for machines. @param chosen undefined: there was no filter */
export function printSummary(
  context: Context,
  totals: Totals,
  result: FileResult,
  flags: FormatFlags,
  chosen?: ChosenFlows,
): void {
  if (flags.format === 'table') context.out(summaryText(totals, result, chosen));
  else {
    const record = { ...summaryRecord(totals, result), ...(chosen && chosenRecord(chosen)) };
    const fields = chosen === undefined ? FIELDS : [...FIELDS, ...CHOSEN_FIELDS];
    printRows(context, [record], flags, { available: [], defaults: [], fields });
  }
}

const chosenRecord = ({ serials, packets, bytes, ipBytes }: ChosenFlows) => ({
  chosen_flows: serials.length,
  chosen_packets: packets,
  chosen_bytes: bytes,
  chosen_ip_bytes: ipBytes,
});

/** Packets of link types that are not decoded are `unsupported`, and among those that are not IP. */
function summaryRecord({ flows, ipBytes, namedFlows }: Totals, { counters, unsupported, damages }: FileResult) {
  return {
    packets: counters.packets,
    bytes: counters.bytes,
    ip_bytes: ipBytes,
    flows,
    named_flows: namedFlows,
    duplicate_packets: counters.duplicatePackets,
    not_ip_packets: counters.notIpPackets,
    bad_packets: counters.badPackets,
    unsupported_packets: sumOf(unsupported),
    unsupported:
      namesOf(unsupported)
        .map(([name, packets]) => `${name}: ${packets}`)
        .join(', ') || null,
    damage: damages.map(damageText).join('; ') || null,
  };
}

export function summaryText(
  { flows, ipBytes, namedFlows }: Totals,
  { counters, unsupported, damages }: FileResult,
  chosen?: ChosenFlows,
): string {
  const beside = [
    [counters.notIpPackets - sumOf(unsupported), 'not IP'],
    ...namesOf(unsupported, 'link type ').map(([name, packets]) => [packets, `of ${name}`] as const),
    [counters.badPackets, 'cut or malformed'],
    [counters.duplicatePackets, 'seen again on another interface'],
  ] as const;
  const text = beside.flatMap(([packets, what]) => (packets === 0 ? [] : [`${packets} ${what}`])).join(', ');
  const share = flows === 0 || namedFlows === 0 ? '' : `; ${formatShare(namedFlows / flows)} of flows named`;
  const total = `${countText(counters.packets, 'packet')}${text === '' ? '' : ` (${text})`}`;
  return `${total}, ${countText(flows, 'flow')}, ${formatSize(ipBytes)}${share}${damageSummary(damages)}\n${chosenText(chosen)}`;
}

function chosenText(chosen: ChosenFlows | undefined): string {
  if (chosen === undefined) return '';
  const { serials, packets, ipBytes } = chosen;
  return `of them chosen: ${countText(packets, 'packet')}, ${countText(serials.length, 'flow')}, ${formatSize(ipBytes)}\n`;
}

/** What nobody may overlook. */
export function warnOfRest(context: Context, { counters, unsupported, damages }: FileResult): void {
  if (counters.packets >= LONG_READING && tryNative() === undefined) {
    context.err('pcapid: without its native addon it reads at half the speed; npm run build:native builds it\n');
  }
  for (const [name, packets] of namesOf(unsupported, 'link type ')) {
    const are = packets === 1 ? 'is' : 'are';
    context.err(`pcapid: ${countText(packets, 'packet')} of ${name} ${are} not decoded and in no flow\n`);
  }
  for (const damage of damages) {
    const rest = damage.offset === null ? 'left out' : 'all before it was read';
    context.err(`pcapid: ${escapeTerminal(damageText(damage))}; ${rest}\n`);
  }
}

const damageText = ({ path, what, offset }: FileResult['damages'][number]): string =>
  offset === null ? what : `${path}: ${what} (octet ${offset})`;

function damageSummary(damages: FileResult['damages']): string {
  const leftOut = damages.filter(({ offset }) => offset === null).length;
  const damaged = damages.length - leftOut;
  const texts = [[damaged, 'damaged'] as const, [leftOut, 'left out'] as const];
  return texts.map(([files, what]) => (files === 0 ? '' : `; ${countText(files, 'file')} ${what}`)).join('');
}

const sumOf = (packets: ReadonlyMap<number, number>): number => [...packets.values()].reduce((sum, n) => sum + n, 0);

/** Link types and their packets, those beyond MOST_NAMED together. */
function namesOf(
  unsupported: ReadonlyMap<number, number>,
  prefix = '',
): readonly (readonly [name: string, packets: number])[] {
  const all = [...unsupported].sort(([, a], [, b]) => b - a);
  const rest = all.slice(MOST_NAMED);
  const list = all
    .slice(0, MOST_NAMED)
    .map(([linkType, packets]) => [`${prefix}${linkTypeName(linkType)}`, packets] as const);
  return rest.length === 0 ? list : [...list, [`${rest.length} other link types`, sumOf(new Map(rest))]];
}
