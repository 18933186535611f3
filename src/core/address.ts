/** 16-octet addresses as four 32-bit words in network order; IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). */

/** Text of RFC 5952 for the words at `words[at]`; an IPv4-mapped address is printed as dotted quad. */
export function formatAddress(words: Int32Array, at = 0): string {
  const w0 = words[at]!;
  const w1 = words[at + 1]!;
  const w2 = words[at + 2]!;
  const w3 = words[at + 3]!;
  if (isMapped(words, at)) return `${w3 >>> 24}.${(w3 >>> 16) & 255}.${(w3 >>> 8) & 255}.${w3 & 255}`;
  const groups = [w0 >>> 16, w0 & 0xffff, w1 >>> 16, w1 & 0xffff, w2 >>> 16, w2 & 0xffff, w3 >>> 16, w3 & 0xffff];
  const [start, length] = longestZeroRun(groups);
  if (length < 2) return groups.map(hex).join(':'); // RFC 5952 section 4.2.2: never shorten a single group
  return `${groups.slice(0, start).map(hex).join(':')}::${groups
    .slice(start + length)
    .map(hex)
    .join(':')}`;
}

const hex = (group: number): string => group.toString(16);

function longestZeroRun(groups: readonly number[]): readonly [start: number, length: number] {
  let best: readonly [number, number] = [0, 0];
  for (let i = 0, from = 0; i <= groups.length; i++) {
    if (i < groups.length && groups[i] === 0) continue;
    if (i - from > best[1]) best = [from, i - from];
    from = i + 1;
  }
  return best;
}

export function isMapped(words: Int32Array, at = 0): boolean {
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0xffff;
}

/** 0.0.0.0 or :: (a wildcard bind, an unconnected remote end). */
export function isUnspecified(words: Int32Array, at = 0): boolean {
  return (
    words[at] === 0 && words[at + 1] === 0 && words[at + 3] === 0 && (words[at + 2] === 0 || words[at + 2] === 0xffff)
  );
}

/** 127.0.0.0/8, ::1. */
export function isLoopback(words: Int32Array, at = 0): boolean {
  if (isMapped(words, at)) return words[at + 3]! >>> 24 === 127;
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 1;
}

/** 224.0.0.0/4, 255.255.255.255, ff00::/8. Directed broadcasts need the netmask and are not known here. */
export function isMulticast(words: Int32Array, at = 0): boolean {
  if (isMapped(words, at)) return words[at + 3]! >>> 28 === 14 || words[at + 3] === -1;
  return words[at]! >>> 24 === 255;
}

/** fe80::/10: means something only together with an interface. */
export function isLinkLocal(words: Int32Array, at = 0): boolean {
  return words[at]! >>> 22 === 0x3fa;
}

/** @returns four words, or undefined when `text` is no IPv4 or IPv6 address. A zone (`%eth0`) is not accepted. */
export function parseAddress(text: string): Int32Array<ArrayBuffer> | undefined {
  if (!text.includes(':')) {
    const v4 = parseIpv4(text);
    return v4 === undefined ? undefined : Int32Array.of(0, 0, 0xffff, v4);
  }
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!, halves.length === 1 ? 'last' : 'first');
  const tail = halves.length === 2 ? parseGroups(halves[1]!, 'last') : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return Int32Array.from({ length: 4 }, (_, i) => (groups[2 * i]! << 16) | groups[2 * i + 1]!);
}

function parseIpv4(text: string): number | undefined {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (m === null) return undefined;
  let word = 0;
  for (let i = 1; i <= 4; i++) {
    const octet = Number(m[i]);
    if (octet > 255 || (m[i]!.length > 1 && m[i]!.startsWith('0'))) return undefined; // 010 is octal to some
    word = (word << 8) | octet;
  }
  return word;
}

/** Only the last half of an address may end in a dotted quad, RFC 4291 section 2.2. */
function parseGroups(text: string, half: 'first' | 'last'): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(parseInt(part, 16));
    else {
      const v4 = half === 'last' && i === parts.length - 1 ? parseIpv4(part) : undefined; // ::ffff:192.0.2.1
      if (v4 === undefined) return undefined;
      groups.push(v4 >>> 16, v4 & 0xffff);
    }
  }
  return groups;
}

/** 16 octets in network order, as the database stores an address (IPv4: 4 octets). */
export function addressBytes(words: Int32Array, at = 0): Uint8Array {
  const from = isMapped(words, at) ? 3 : 0;
  const out = new Uint8Array((4 - from) * 4);
  for (let w = from; w < 4; w++) {
    const word = words[at + w]!;
    out.set([word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255], (w - from) * 4);
  }
  return out;
}
