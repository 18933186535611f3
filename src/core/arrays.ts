/** Memory of typed arrays, given back at once: the collector of garbage waits until it is worth a look, 20 MB a thread. */

type Growing = Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** Smaller ones wait for the collector: to give one back takes a microsecond. */
const WORTH_BYTES = 1 << 16;

let isSender = false;
let nowhere: InstanceType<typeof MessagePort> | undefined;

/**
 * This thread sends arrays to others. V8 leaves checks out of code that reads arrays until the first one loses its memory:
 * with them reading a file takes a tenth longer. So only threads that cannot help it free what they have outgrown.
 */
export function becomeSender(): void {
  isSender = true;
}

/** Frees them; arrays on them are empty afterwards. What is sent through a port that is closed reaches nobody, and is freed. */
export function freeBuffers(buffers: readonly ArrayBuffer[]): void {
  if (buffers.length === 0) return;
  if (nowhere === undefined) {
    nowhere = new MessageChannel().port1;
    nowhere.close();
  }
  nowhere.postMessage(null, [...buffers]);
}

/** @returns `next` with what is in `old` at its beginning; nobody may use `old` any more */
export function grown<T extends Growing>(old: T, next: T): T {
  next.set(old);
  freeOutgrown([old.buffer]);
  return next;
}

/** Frees those for which it is worth the time, where that costs no more than that. */
export function freeOutgrown(buffers: readonly ArrayBuffer[]): void {
  if (isSender) freeBuffers(buffers.filter(({ byteLength }) => byteLength >= WORTH_BYTES));
}
