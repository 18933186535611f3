// Sends a known number of UDP datagrams over a known number of flows at a known rate, for load tests.
//
//   blast ADDRESS FIRST_PORT FLOWS PACKETS PACKETS_A_SECOND OCTETS HOLD_S
//
// Each flow is a connected socket of its own; port FIRST_PORT + (flow % 1000) of ADDRESS (IPv4). Nobody needs to
// listen there when the ports are dropped (iptables) or the neighbour is static. Prints "sent N", then keeps the
// sockets open for HOLD_S seconds. Retries what the kernel refuses for lack of buffers, so N is what went out.
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pace.h"

enum { PORTS = 1000, BURST = 64 };

static int connected(struct in_addr address, uint16_t port) {
  const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = address};
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) < 0) {
    perror("socket");
    exit(1);
  }
  return fd;
}

int main(int argc, char **argv) {
  struct in_addr address;
  if (argc != 8 || inet_pton(AF_INET, argv[1], &address) != 1) {
    fputs("usage: blast ADDRESS FIRST_PORT FLOWS PACKETS PACKETS_A_SECOND OCTETS HOLD_S\n", stderr);
    return 2;
  }
  const long first_port = atol(argv[2]), flows = atol(argv[3]), packets = atol(argv[4]), rate = atol(argv[5]);
  const long octets = atol(argv[6]), hold = atol(argv[7]);
  if (flows < 1 || rate < 1 || octets < 1 || octets > 1400) return 2;
  const struct rlimit files = {(rlim_t)flows + 64, (rlim_t)flows + 64};
  if (setrlimit(RLIMIT_NOFILE, &files) < 0) { // a lower limit may do
    perror("setrlimit");
  }
  int *fds = malloc((size_t)flows * sizeof *fds);
  if (fds == NULL) return 1;
  for (long i = 0; i < flows; i++) fds[i] = connected(address, (uint16_t)(first_port + i % PORTS));
  char payload[1400];
  memset(payload, 'x', sizeof payload);
  const uint64_t start = now_ns();
  for (long sent = 0; sent < packets; sent++) {
    if (sent % BURST == 0) wait_until(start + (uint64_t)sent * 1000000000u / (uint64_t)rate);
    while (send(fds[sent % flows], payload, (size_t)octets, 0) < 0) {
      if (errno == ECONNREFUSED) continue; // told of an earlier datagram; this one was not sent
      if (errno != ENOBUFS && errno != EAGAIN) {
        perror("send");
        return 1;
      }
      usleep(100);
    }
  }
  printf("sent %ld in %.3f s\n", packets, (double)(now_ns() - start) / 1e9);
  fflush(stdout);
  sleep((unsigned)hold);
  return 0;
}
