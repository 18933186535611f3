// Writes a capture file of made-up but realistic traffic for the benchmarks.
//
//   gen OUT PACKETS FLOWS ACTIVE SNAPLEN SEED [nano | pcapng]
//
// 75 % IPv4 and 25 % IPv6, 85 % TCP and 15 % UDP, 3 % in a VLAN, frames of 64, 594 and 1518 octets as 7:4:1 (IMIX).
// ACTIVE flows are in flight at a time, a few of them hot; flow lengths have a heavy tail with the mean PACKETS / FLOWS.
#include <arpa/inet.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SYN = 0x02, FIN_ACK = 0x11, SYN_ACK = 0x12, ACK = 0x10, PSH_ACK = 0x18 };
enum { TCP = 6, UDP = 17 };
enum { NOISE = 65536, LONGEST = 1518 };

typedef struct {
  uint8_t v6, protocol, vlan;
  uint8_t sent; // packets so far, stops at 3: 0 SYN, 1 SYN+ACK, 2 ACK
  uint8_t addr[2][16];
  uint16_t port[2];
  uint32_t seq[2];
  uint32_t left; // packets until its end
} Flow;

static uint64_t state[2]; // xorshift128+, Vigna 2014

static uint64_t next(void) {
  uint64_t a = state[0];
  const uint64_t b = state[1];
  state[0] = b;
  a ^= a << 23;
  state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
  return state[1] + b;
}

static double uniform(void) { return (double)(next() >> 11) / 9007199254740992.0; }

/** Packets of one flow: exponential for a mean below 4, else a power law. */
static uint32_t flow_packets(double mean, uint64_t packets) {
  const double x = uniform();
  const double n = mean < 4 ? 1 - log(x + 1e-12) * (mean - 0.5) : 0.4 * mean * pow(x + 1e-9, -0.6);
  const double most = (double)packets / 20;
  return (uint32_t)fmax(1, fmin(n, most));
}

static uint16_t service_port(uint8_t protocol) {
  const double r = uniform();
  if (protocol == TCP) return r < .6 ? 443 : r < .75 ? 80 : r < .8 ? 22 : r < .85 ? 5432 : 8000 + next() % 2000;
  return r < .5 ? 443 : r < .6 ? 3478 : 10000 + next() % 20000;
}

static void begin_flow(Flow *f, uint32_t packets) {
  memset(f, 0, sizeof *f);
  f->v6 = uniform() < 0.25;
  f->protocol = uniform() < 0.85 ? TCP : UDP;
  f->vlan = uniform() < 0.03;
  if (f->v6) {
    memcpy(f->addr[0], "\x20\x01\x0d\xb8\x00\x01", 6);
    f->addr[0][14] = next() % 4;
    f->addr[0][15] = next() % 200;
    memcpy(f->addr[1], "\x2a\x00\x14\x50\x40\x01", 6);
    for (int i = 6; i < 16; i++) f->addr[1][i] = next();
  } else {
    f->addr[0][0] = 10;
    f->addr[0][1] = next() % 4;
    f->addr[0][2] = next() % 8;
    f->addr[0][3] = 1 + next() % 250;
    for (int i = 0; i < 4; i++) f->addr[1][i] = 1 + next() % 222;
  }
  f->port[0] = 32768 + next() % 28000;
  f->port[1] = service_port(f->protocol);
  for (int i = 0; i < 2; i++) f->seq[i] = next();
  f->left = packets;
}

static uint16_t checksum(const uint8_t *p, int n) {
  uint32_t sum = 0;
  for (int i = 0; i < n; i += 2) sum += p[i] << 8 | p[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

static int put16(uint8_t *h, int at, uint16_t v) { h[at] = v >> 8; h[at + 1] = v; return at + 2; }
static int put32(uint8_t *h, int at, uint32_t v) { return put16(h, put16(h, at, v >> 16), v); }

static int put_link(uint8_t *h, const Flow *f, int reply) {
  static const uint8_t mac[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
  memcpy(h, mac[!reply], 6);
  memcpy(h + 6, mac[reply], 6);
  int at = 12;
  if (f->vlan) at = put32(h, at, 0x81000064);
  return put16(h, at, f->v6 ? 0x86dd : 0x0800);
}

static int put_ip(uint8_t *h, int at, const Flow *f, int reply, int length, uint16_t id) {
  uint8_t *ip = h + at;
  if (f->v6) {
    put32(ip, 0, 0x60000000);
    put16(ip, 4, length - 40);
    ip[6] = f->protocol;
    ip[7] = 60;
    memcpy(ip + 8, f->addr[reply], 16);
    memcpy(ip + 24, f->addr[!reply], 16);
    return at + 40;
  }
  put32(ip, 0, 0x45000000 | length);
  put32(ip, 4, (uint32_t)id << 16 | 0x4000); // don't fragment
  put32(ip, 8, 60u << 24 | (uint32_t)f->protocol << 16);
  memcpy(ip + 12, f->addr[reply], 4);
  memcpy(ip + 16, f->addr[!reply], 4);
  put16(ip, 10, checksum(ip, 20));
  return at + 20;
}

static int put_transport(uint8_t *h, int at, Flow *f, int reply, int frame) {
  put16(h, at, f->port[reply]);
  put16(h, at + 2, f->port[!reply]);
  if (f->protocol == UDP) return put32(h, at + 4, (uint32_t)(frame - at) << 16);
  const int length = f->sent < 2 ? 24 : 32; // with the MSS option, or with time stamps
  const uint8_t flags =
      f->sent == 0 ? SYN : f->sent == 1 ? SYN_ACK : f->left <= 2 ? FIN_ACK : frame > 100 ? PSH_ACK : ACK;
  put32(h, at + 4, f->seq[reply]);
  put32(h, at + 8, flags == SYN ? 0 : f->seq[!reply]);
  put32(h, at + 12, (uint32_t)length << 26 | (uint32_t)flags << 16 | 0x2000);
  memset(h + at + 16, 0, length - 16);
  put32(h, at + 20, length == 24 ? 0x020405b4 : 0x0101080a);
  f->seq[reply] += (flags & 3 ? 1 : 0) + (frame - at - length);
  return at + length;
}

static void put_pcap(FILE *out, double time, int nano, uint32_t captured, uint32_t frame) {
  const uint32_t seconds = time, fraction = (time - seconds) * (nano ? 1e9 : 1e6);
  const uint32_t record[4] = {seconds, fraction, captured, frame};
  fwrite(record, 16, 1, out);
}

/** What stands before the packet in an Enhanced Packet Block; put_block_end() writes what follows it. */
static void put_block(FILE *out, double time, uint32_t captured, uint32_t frame) {
  const uint64_t us = time * 1e6;
  const uint32_t block[7] = {6, 32 + (captured + 3) / 4 * 4, 0, us >> 32, us, captured, frame};
  fwrite(block, 28, 1, out);
}

static void put_block_end(FILE *out, uint32_t captured) {
  const uint32_t padding = 0, length = 32 + (captured + 3) / 4 * 4;
  fwrite(&padding, -captured & 3, 1, out);
  fwrite(&length, 4, 1, out);
}

int main(int argc, char **argv) {
  if (argc < 7) return fprintf(stderr, "usage: gen OUT.pcap PACKETS FLOWS ACTIVE SNAPLEN SEED [nano | pcapng]\n"), 2;
  const uint64_t packets = strtoull(argv[2], 0, 0);
  const double mean = (double)packets / strtod(argv[3], 0);
  const uint32_t active = atoi(argv[4]), snaplen = atoi(argv[5]);
  const int nano = argc > 7 && !strcmp(argv[7], "nano"), pcapng = argc > 7 && !strcmp(argv[7], "pcapng");
  state[0] = strtoull(argv[6], 0, 0) * 0x9E3779B97F4A7C15ull + 1;
  state[1] = state[0] ^ 0xD1B54A32D192ED03ull;
  for (int i = 0; i < 20; i++) next();

  FILE *out = fopen(argv[1], "wb");
  if (!out) return perror(argv[1]), 1;
  setvbuf(out, 0, _IOFBF, 4 << 20);
  const uint32_t file_header[6] = {nano ? 0xa1b23c4d : 0xa1b2c3d4, 2 | 4 << 16, 0, 0, snaplen, 1};
  const uint32_t section[7] = {0x0a0d0d0a, 28, 0x1a2b3c4d, 1, -1, -1, 28}, interface[5] = {1, 20, 1, snaplen, 20};
  if (pcapng) fwrite(section, 28, 1, out), fwrite(interface, 20, 1, out);
  else fwrite(file_header, 24, 1, out);

  static uint8_t noise[NOISE + LONGEST];
  for (size_t i = 0; i < sizeof noise; i++) noise[i] = next();
  Flow *flows = calloc(active, sizeof *flows);
  for (uint32_t i = 0; i < active; i++) begin_flow(flows + i, flow_packets(mean, packets));

  double time = 1760000000.0;
  const double gap = mean < 4 ? 5e-6 : 20e-6; // seconds between packets
  uint64_t begun = active;
  uint32_t current = 0, burst = 0;
  for (uint64_t p = 0; p < packets; p++) {
    if (burst == 0) {
      const double x = uniform();
      current = (uint32_t)(active * x * x); // a few flows are hot
      burst = 1 + next() % 4;
    }
    burst--;
    Flow *f = flows + current;
    const int random_way = next() & 1;
    const int reply = f->sent < 2 ? f->sent : random_way;
    const uint32_t r = next() % 12;
    int frame = r < 7 ? 64 : r < 11 ? 594 : LONGEST;
    if (f->sent < 3 && f->protocol == TCP) frame = 64;
    const int link = f->vlan ? 18 : 14, ip = f->v6 ? 40 : 20;
    const int least = link + ip + (f->protocol == UDP ? 8 : f->sent < 2 ? 24 : 32);
    if (frame < least) frame = least;

    uint8_t h[128];
    int at = put_link(h, f, reply);
    at = put_ip(h, at, f, reply, frame - link, p);
    at = put_transport(h, at, f, reply, frame);
    const uint32_t captured = (uint32_t)frame < snaplen ? (uint32_t)frame : snaplen;
    time += gap * (0.2 + 1.6 * uniform());
    if (pcapng) put_block(out, time, captured, frame);
    else put_pcap(out, time, nano, captured, frame);
    if ((uint32_t)at > captured) at = captured;
    fwrite(h, at, 1, out);
    fwrite(noise + next() % NOISE, captured - at, 1, out);
    if (pcapng) put_block_end(out, captured);

    if (f->sent < 3) f->sent++;
    if (--f->left == 0) {
      begin_flow(f, flow_packets(mean, packets));
      begun++;
      burst = 0;
    }
  }
  if (fclose(out)) return perror(argv[1]), 1;
  fprintf(stderr, "packets=%lu flows=%lu\n", packets, begun);
  return 0;
}
