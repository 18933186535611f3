/** What a file says at its end of the packets that are in it, and of those that are not: interface statistics blocks. */
import { Option, StatisticsOption } from '../../../pcap/pcapng-blocks.ts';
import { joined, textOption, wordsOption } from '../../../pcap/written-options.ts';
import type { DropCounts } from '../messages.ts';

export const NO_DROPS: DropCounts = { received: null, kernelDrops: null, interfaceDrops: null };

/** What came between two counts. */
export function dropsSince(before: DropCounts, now: DropCounts): DropCounts {
  const since = (name: keyof DropCounts): number | null =>
    now[name] === null ? null : Math.max(0, now[name] - (before[name] ?? 0));
  return {
    received: since('received'),
    kernelDrops: since('kernelDrops'),
    interfaceDrops: since('interfaceDrops'),
  };
}

/**
 * Options of each interface. The kernel counts what it drops for each capture, not for each interface of it: where
 * several share one, the last of them says in words how much it was together.
 *
 * @param delivered packets of each interface of the file. @param isOneInterface `drops` are of that alone
 */
export function statisticsOf(
  delivered: readonly number[],
  drops: DropCounts,
  isOneInterface: boolean,
): readonly Uint8Array[] {
  const own = isOneInterface && delivered.length === 1 ? ownDrops(drops) : [];
  return delivered.map((count, number) => {
    const isLast = number === delivered.length - 1;
    const words = isLast && own.length === 0 ? droppedTogether(drops) : [];
    return joined([...words, ...own, counter(StatisticsOption.Delivered, count)]);
  });
}

function ownDrops({ received, kernelDrops, interfaceDrops }: DropCounts): readonly Uint8Array[] {
  const counters = [
    [StatisticsOption.InterfaceDrops, interfaceDrops],
    [StatisticsOption.Accepted, received],
    [StatisticsOption.KernelDrops, kernelDrops],
  ] as const;
  return counters.flatMap(([code, count]) => (count === null ? [] : [counter(code, count)]));
}

function droppedTogether({ kernelDrops, interfaceDrops }: DropCounts): readonly Uint8Array[] {
  const texts = [
    ...(kernelDrops ? [`${kernelDrops} packets that the kernel had no room for`] : []),
    ...(interfaceDrops ? [`${interfaceDrops} that the interfaces dropped`] : []),
  ];
  if (texts.length === 0) return [];
  return [textOption(Option.Comment, `pcapid: of all interfaces together ${texts.join(' and ')} are missing`, true)];
}

const counter = (code: number, count: number): Uint8Array =>
  wordsOption(code, [count % 2 ** 32, Math.floor(count / 2 ** 32)], true);
