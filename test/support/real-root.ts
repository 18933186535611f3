/** Root of the whole machine, which BPF programs need, and not of a user namespace. */
import { existsSync, readFileSync } from 'node:fs';

/** @returns why the kernel would not take BPF programs from a test, or false */
export function realRootMissing(): string | false {
  if (process.getuid?.() !== 0) return 'not root';
  const [inside, outside, count] = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/).map(Number);
  if (inside !== 0 || outside !== 0 || count !== 0xffffffff) return 'root of a user namespace only';
  return existsSync('/sys/kernel/btf/vmlinux') ? false : 'a kernel without BTF';
}
