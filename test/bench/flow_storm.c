// New UDP flows at a known rate on lo: `flow_storm FLOWS FLOWS_A_SECOND ADDRESSES` opens a socket for each datagram, sends
// it to a receiver of its own at one of so many addresses in turn, and closes the socket. With one address the same tuples
// come again within seconds: there are 28,232 ephemeral ports. Prints how many were sent, how many arrived, and seconds.
#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pace.h"

enum { BURST = 20, RECEIVE_BUFFER = 8 << 20, MOST_ADDRESSES = 1 << 16 };

static void check(long result, const char *what) {
  if (result >= 0) return;
  perror(what);
  exit(1);
}

/** Counts what arrives until somebody ends it. */
static pid_t start_receiver(int fd, long *arrived) {
  const pid_t pid = fork();
  check(pid, "fork");
  if (pid > 0) return pid;
  char buffer[64];
  for (;; __atomic_add_fetch(arrived, 1, __ATOMIC_RELAXED)) check(recv(fd, buffer, sizeof buffer, 0), "recv");
}

int main(int argc, char **argv) {
  if (argc != 4 || atol(argv[1]) < 1 || atol(argv[2]) < 1 || atol(argv[3]) < 1 || atol(argv[3]) > MOST_ADDRESSES) {
    fputs("usage: flow_storm FLOWS FLOWS_A_SECOND ADDRESSES\n", stderr);
    return 2;
  }
  const long flows = atol(argv[1]), rate = atol(argv[2]), addresses = atol(argv[3]);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
  socklen_t length = sizeof to;
  const int receiver = socket(AF_INET, SOCK_DGRAM, 0), bytes = RECEIVE_BUFFER;
  check(bind(receiver, (struct sockaddr *)&to, sizeof to), "bind");
  check(getsockname(receiver, (struct sockaddr *)&to, &length), "getsockname");
  check(setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), "SO_RCVBUF");
  long *arrived = mmap(NULL, sizeof *arrived, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (arrived == MAP_FAILED) return 1;
  const pid_t child = start_receiver(receiver, arrived);
  const uint64_t start = now_ns();
  for (long sent = 0; sent < flows; sent++) {
    if (sent % BURST == 0) wait_until(start + (uint64_t)sent * 1000000000u / (uint64_t)rate);
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    check(fd, "socket");
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(sent % addresses));
    check(sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof to), "sendto");
    close(fd);
  }
  const double seconds = (double)(now_ns() - start) / 1e9;
  usleep(200000);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  printf("%ld %ld %.3f\n", flows, *arrived, seconds);
}
