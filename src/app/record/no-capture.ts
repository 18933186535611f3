/**
 * Stands where the capture thread is in a recording that captures nothing: it answers as one that saw no packet, and
 * listens to the translations of the own namespace.
 */
import type { MessagePort } from 'node:worker_threads';
import { createColumns } from '../../core/columns.ts';
import { FLOW_COLUMNS } from '../../core/flow.ts';
import { FOUND_NAME_COLUMNS } from '../../core/name.ts';
import { NO_PACKETS } from '../../core/tick.ts';
import type { Us } from '../../core/time.ts';
import type { Native } from '../../native/binding.ts';
import { Translations } from './capture/translations.ts';
import { Clock } from './clock.ts';
import type { CaptureCommand, CaptureReady, CaptureReport } from './messages.ts';
import { TranslationLog } from './translation-log.ts';

/**
 * Says that it is ready, and answers each 'drain' and 'stop'. Costs no thread: main itself answers.
 *
 * @param ownNetns inode, 0: not known
 */
export function startNoCapture(native: Native, port: MessagePort, ownNetns: number): void {
  const clock = new Clock(native);
  const translations = new Translations(native);
  translations.follow([{ inode: ownNetns, path: '' }]);
  const log = new TranslationLog();
  let again: NodeJS.Immediate | undefined;
  /** Of a busy host more comes in a second than one reading takes: the rest has its turn between other work. */
  const listen = (): Us => {
    const atUs = clock.nowUs();
    translations.read(atUs, (heard, netns) => log.note(heard, netns, atUs));
    clearImmediate(again);
    again = translations.isBehind ? setImmediate(listen) : undefined;
    return atUs;
  };
  const ready: CaptureReady = { ready: true };
  port.postMessage(ready);
  port.on('message', (command: CaptureCommand) => {
    if (typeof command === 'object') return;
    const atUs = listen();
    const report: CaptureReport = {
      flows: createColumns(FLOW_COLUMNS, 1),
      names: { rows: createColumns(FOUND_NAME_COLUMNS, 1), texts: [] },
      translations: log.take(),
      translationsLost: log.lost,
      counters: NO_PACKETS,
      interfaces: [],
      troubles: [],
      atUs,
      offsetUs: clock.offsetUs,
      last: command === 'stop',
    };
    port.postMessage(report);
    if (!report.last) return;
    clearImmediate(again);
    translations.close();
    port.close();
  });
}
