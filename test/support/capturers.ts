/** Other programs that capture beside a recording, each in the ways in which people use it. */
import { spawnSync } from 'node:child_process';
import { startChild } from './child.ts';
import type { Netns } from './netns.ts';
import { waitFor } from './wait.ts';

export interface Capturer {
  readonly name: string;
  readonly words: readonly string[]; // without the file
  readonly listens: RegExp; // what it says then, on stderr
}

const TCPDUMP = ['tcpdump', '-n', '-U', '-Z', 'root', '--immediate-mode', '-s', '1024'];

/** tshark comes first: when it starts, its helpers look on lo for the debugger of Android, which others would capture. */
export const CAPTURERS: readonly Capturer[] = [
  { name: 'tshark', words: ['tshark', '-q', '-i', 'lo'], listens: /Capture started/ },
  { name: 'tcpdump on any', words: [...TCPDUMP, '-i', 'any'], listens: /listening on/ },
  { name: 'tcpdump, not promiscuous', words: [...TCPDUMP, '-p', '-i', 'lo'], listens: /listening on/ },
  { name: 'dumpcap', words: ['dumpcap', '-q', '-i', 'lo'], listens: /File: / },
  { name: 'dumpcap on any, not promiscuous', words: ['dumpcap', '-q', '-p', '-i', 'any'], listens: /File: / },
  { name: 'dumpcap as pcap', words: ['dumpcap', '-q', '-P', '-i', 'lo'], listens: /File: / },
];

/** @returns why they cannot be used here, or false */
export function capturersMissing(): string | false {
  const missing = ['tcpdump', 'dumpcap', 'tshark'].find((tool) => spawnSync(tool, ['--version']).error !== undefined);
  return missing === undefined ? false : `no ${missing}`;
}

/** Captures when it returns. @returns what ends it: the file is complete then */
export async function startCapturer(
  netns: Pick<Netns, 'command'>,
  { name, words, listens }: Capturer,
  file: string,
): Promise<() => Promise<void>> {
  const child = startChild(netns.command(...words, '-w', file));
  await waitFor(() => listens.test(child.err()), 10_000, `${name} to listen`);
  return async () => {
    const { code, err } = await child.stop('SIGINT', 10_000);
    if (code !== 0) throw new Error(`${name} ended with ${code}\n${err}`);
  };
}
