/** The two ways in which packets come live, behind one face for the capture thread. */
import { openCapBackend } from '../../../capture/cap-backend.ts';
import { PcapFileSource } from '../../../capture/file.ts';
import { type LiveOptions, LiveSource } from '../../../capture/live.ts';
import type { CaptureSource } from '../../../core/packet.ts';
import type { Native } from '../../../native/binding.ts';

export interface CaptureInput {
  readonly source: CaptureSource;
  /** What a person should know: an interface that is down or gone. '' while all is well. */
  trouble(): string;
  /** Nothing new comes after this; what is already captured can still be read. */
  stop(): void;
  close(): void;
}

export function openLive(native: Native, options: LiveOptions): CaptureInput {
  const source = new LiveSource(native, options);
  return { source, trouble: () => source.stateText, stop: () => {}, close: () => source.close() };
}

/** The npm package cap in a child process; what it captures comes through a pipe in the format of a file. */
export function openCap({ device, filter, ringBytes }: LiveOptions): CaptureInput {
  const child = openCapBackend({ device, filter, ringBytes });
  const pipe = new PcapFileSource({ path: `cap on ${device}`, fd: child.fd });
  let stopped = false;
  let ended = false;
  const source: CaptureSource = {
    read(into, timeoutMs) {
      if (ended) return -1;
      const count = pipe.read(into, timeoutMs);
      ended = count < 0;
      return count;
    },
    stats: () => ({ received: undefined, kernelDrops: undefined, interfaceDrops: undefined }), // cap has no pcap_stats
    close: () => pipe.close(),
  };
  return {
    source,
    trouble: () => (ended && !stopped ? `cap ended its capture of ${device}: ${child.words()}` : ''),
    stop() {
      stopped = true;
      child.stop();
    },
    close() {
      source.close();
      child.close();
    },
  };
}
