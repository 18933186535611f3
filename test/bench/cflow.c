// The yardstick of the benchmarks: how fast C reads, decodes and counts flows when it does nothing else.
//
//   cflow FILE.pcap
//
// Native byte order, Ethernet, TCP and UDP only; no end of flows, no damage, no bounds on memory. Packets are decoded 32
// at a time and their table entries prefetched, so that cache misses overlap.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ = 1 << 20, LONGEST = 1 << 18, AHEAD = 32 };

typedef struct {
  uint64_t key[5]; // lower end, higher end, then ports, protocol and version
  uint64_t first, last; // nanoseconds
  uint64_t packets[2], bytes[2];
  uint32_t hash;
  uint8_t flags, used;
} __attribute__((aligned(128))) Flow;

typedef struct {
  uint64_t key[5], time;
  uint32_t hash, length;
  uint8_t direction, flags;
} Packet;

static Flow *table;
static uint64_t mask, flows, not_ip;

static uint16_t u16(const uint8_t *p) { uint16_t v; memcpy(&v, p, 2); return v; }
static uint32_t u32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return v; }
static uint64_t u64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return v; }

static uint64_t mix(uint64_t a, uint64_t b) {
  const unsigned __int128 r = (unsigned __int128)a * b;
  return (uint64_t)r ^ (uint64_t)(r >> 64);
}

static Flow *new_table(uint64_t entries) {
  Flow *t = aligned_alloc(1 << 21, entries * sizeof *t);
  if (!t) abort();
  mask = entries - 1;
  return memset(t, 0, entries * sizeof *t);
}

static void grow(void) {
  Flow *old = table;
  const uint64_t entries = mask + 1;
  table = new_table(entries * 2);
  for (uint64_t i = 0; i < entries; i++) {
    if (!old[i].used) continue;
    uint64_t j = old[i].hash & mask;
    while (table[j].used) j = (j + 1) & mask;
    table[j] = old[i];
  }
  free(old);
}

static int is_extension(uint8_t protocol) {
  return protocol == 0 || protocol == 43 || protocol == 44 || protocol == 60;
}

/** Puts the ends in order, so that both directions have one key. */
static void finish(Packet *out, uint64_t src[2], uint64_t dst[2], uint16_t sp, uint16_t dp, uint64_t rest) {
  const int swap = src[0] > dst[0] || (src[0] == dst[0] && (src[1] > dst[1] || (src[1] == dst[1] && sp > dp)));
  const uint64_t all = -(uint64_t)swap;
  const uint64_t x0 = (src[0] ^ dst[0]) & all, x1 = (src[1] ^ dst[1]) & all;
  const uint16_t xp = (sp ^ dp) & all;
  out->key[0] = src[0] ^ x0;
  out->key[1] = src[1] ^ x1;
  out->key[2] = dst[0] ^ x0;
  out->key[3] = dst[1] ^ x1;
  out->key[4] = (uint64_t)(sp ^ xp) | (uint64_t)(dp ^ xp) << 16 | rest << 32;
  uint64_t h = mix(out->key[0] ^ 0x9E3779B97F4A7C15ull, out->key[1] ^ 0xE7037ED1A0B428DBull);
  h ^= mix(out->key[2] ^ 0x8EBC6AF09C88C6E3ull, out->key[3] ^ 0x589965CC75374CC3ull);
  out->hash = mix(h ^ out->key[4], 0x1D8E4E27C47D124Full);
  out->direction = swap;
}

static int decode(const uint8_t *p, uint32_t captured, Packet *out) {
  if (captured < 34) return 0;
  uint32_t at = 14;
  uint16_t type = u16(p + 12);
  for (; type == 0x0081 || type == 0xa888; at += 4) {
    if (at + 4 > captured) return 0;
    type = u16(p + at + 2);
  }
  uint64_t src[2] = {0}, dst[2] = {0};
  uint8_t protocol;
  if (type == 0x0008) {
    if (at + 20 > captured) return 0;
    protocol = p[at + 9];
    src[0] = u32(p + at + 12);
    dst[0] = u32(p + at + 16);
    const int later_fragment = (p[at + 6] & 0x1f) | p[at + 7];
    at = later_fragment ? captured : at + (p[at] & 15) * 4;
  } else if (type == 0xdd86) {
    if (at + 40 > captured) return 0;
    protocol = p[at + 6];
    for (int i = 0; i < 2; i++) src[i] = u64(p + at + 8 + 8 * i), dst[i] = u64(p + at + 24 + 8 * i);
    for (at += 40; is_extension(protocol) && at + 8 <= captured;) {
      const uint8_t next = p[at];
      at += protocol == 44 ? 8 : (p[at + 1] + 1) * 8;
      protocol = next;
    }
  } else {
    return 0;
  }
  const int has_ports = (protocol == 6 || protocol == 17) && at + 4 <= captured;
  out->flags = protocol == 6 && at + 14 <= captured ? p[at + 13] : 0;
  const uint16_t sp = has_ports ? u16(p + at) : 0, dp = has_ports ? u16(p + at + 2) : 0;
  finish(out, src, dst, sp, dp, protocol | (uint64_t)(type == 0x0008) << 8);
  return 1;
}

static void count(const Packet *p) {
  for (uint64_t i = p->hash & mask;; i = (i + 1) & mask) {
    Flow *f = table + i;
    if (!f->used) {
      if (flows * 2 > mask) {
        grow();
        i = (p->hash & mask) - 1;
        continue;
      }
      memcpy(f->key, p->key, sizeof f->key);
      f->used = 1;
      f->hash = p->hash;
      f->first = p->time;
      flows++;
    } else if (f->hash != p->hash || memcmp(f->key, p->key, sizeof f->key)) {
      continue;
    }
    f->last = p->time;
    f->packets[p->direction]++;
    f->bytes[p->direction] += p->length;
    f->flags |= p->flags;
    return;
  }
}

int main(int argc, char **argv) {
  const int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
  if (fd < 0) return fprintf(stderr, "usage: cflow FILE.pcap\n"), 2;
  posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  uint8_t *b = aligned_alloc(4096, READ + LONGEST);
  uint8_t header[24];
  if (read(fd, header, sizeof header) != sizeof header) return 1;
  const uint64_t unit = u32(header) == 0xa1b23c4d ? 1 : 1000;
  table = new_table(1 << 15);

  Packet ahead[AHEAD];
  int waiting = 0;
  uint64_t packets = 0, bytes = 0, have = 0;
  for (ssize_t got; (got = read(fd, b + have, READ)) > 0;) {
    have += got;
    uint64_t at = 0;
    while (at + 16 <= have) {
      const uint32_t captured = u32(b + at + 8), length = u32(b + at + 12);
      if (captured > LONGEST - 16) return fprintf(stderr, "damaged file\n"), 1;
      if (at + 16 + captured > have) break;
      Packet *p = ahead + waiting;
      p->time = u32(b + at) * 1000000000ull + u32(b + at + 4) * unit;
      p->length = length;
      if (decode(b + at + 16, captured, p)) {
        __builtin_prefetch(table + (p->hash & mask));
        __builtin_prefetch((char *)(table + (p->hash & mask)) + 64);
        if (++waiting == AHEAD) {
          for (int i = 0; i < AHEAD; i++) count(ahead + i);
          waiting = 0;
        }
      } else {
        not_ip++;
      }
      packets++;
      bytes += length;
      at += 16 + captured;
    }
    memmove(b, b + at, have - at);
    have -= at;
  }
  for (int i = 0; i < waiting; i++) count(ahead + i);
  printf("{\"packets\":%lu,\"bytes\":%lu,\"flows\":%lu,\"notIp\":%lu}\n", packets, bytes, flows, not_ip);
  return 0;
}
