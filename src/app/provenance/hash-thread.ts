/** Hashes files beside the thread that reads them. */
import { parentPort, workerData } from 'node:worker_threads';
import { sha256OrNull } from '../files/file-hash.ts';

for (const path of workerData as readonly string[]) parentPort!.postMessage(sha256OrNull(path));
