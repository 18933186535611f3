/** Opens the BPF programs, prints a JSON line with what became of them, and holds them until it is killed. */
import { loadNative } from '../../../src/native/binding.ts';

const [cgroup, hold] = process.argv.slice(2);
const native = loadNative();
const fds = new Int32Array(4);
try {
  const handle = native.bpfOpen(cgroup!, 1, 1 << 16, 1 << 16, 1024, fds);
  console.log(JSON.stringify({ programs: native.bpfPrograms(handle), fds: [...fds] }));
  if (hold === 'hold') setInterval(() => native.bpfPrograms(handle), 60_000);
} catch (error) {
  console.log(JSON.stringify({ error: (error as Error).message, code: (error as NodeJS.ErrnoException).code }));
}
