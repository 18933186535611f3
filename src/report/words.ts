/** Tokens of answers in words, for `who` and for whoever reads a report without its manual. */

/** Why bytes have no process; the key is the token of a reason. */
export const REASON_WORDS: Readonly<Record<string, string>> = {
  'closed-before-scan': 'the socket was gone before its process could be looked up',
  'no-permission': 'the process could not be read with the rights there were',
  'other-netns': 'the address belongs to another network namespace of the host',
  forwarded: 'the host only passed it on',
  'not-local': 'neither end was on this host, as far as is known',
  kernel: 'the kernel itself sent or answered it: pings, resets',
  'no-socket': 'no socket was seen there at that time',
  ambiguous: 'several processes share the socket, and none was seen using it',
  'not-ip': 'no IP packets (ARP and the like), so no flow',
  overflow: 'facts about sockets of that time were lost: a queue was full',
};
export const NOT_LOOKED_UP = 'nothing was known of processes';

export const BESIDE_WORDS: Readonly<Record<string, string>> = {
  duplicate: 'seen again on another interface',
  malformed: 'cut or malformed',
  'kernel-drop': 'dropped by the kernel',
  'interface-drop': 'dropped by the interface',
};

/** What the process had, by the token of a match. */
export const MATCH_WORDS: Readonly<Record<string, string>> = {
  cookie: 'the very socket of the packets',
  'five-tuple': 'a socket with exactly these addresses and ports',
  bound: 'a socket bound to this address and port',
  wildcard: 'a socket bound to this port on all addresses',
  listener: 'the listening socket; the accepted one was not seen',
  conntrack: 'a socket with the addresses from before the translation (NAT)',
  'icmp-id': 'a socket that sent echo requests with this id',
  'packet-socket': 'the only packet socket that sent at that time',
};

/** How that was learnt, by the token of a source. */
export const SOURCE_WORDS: Readonly<Record<string, string>> = {
  bpf: 'BPF programs in the kernel',
  cgroup: 'cgroup programs in the kernel',
  diag: "the kernel's socket tables and /proc",
  proc: '/proc',
  capture: 'the capture file itself',
  history: 'the stored history of sockets',
};

/** ` (/usr/bin/curl, user ann)`, as much of it as is known. */
export function programWords(exe: string | null, user: string | null, uid: string | null): string {
  const words = [exe, userWords(user, uid)].filter((part) => part !== null).join(', ');
  return words === '' ? '' : ` (${words})`;
}

/** Names of users are those of their own host: of another one only the number is known. */
export function userWords(user: string | null, uid: string | null): string | null {
  if (user !== null) return `user ${user}`;
  return uid === null ? null : `uid ${uid}`;
}
