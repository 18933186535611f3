// Short connections on lo: `short_sockets tcp|udp COUNT [RATE [PROCESSES]]` prints nanoseconds per connection, the median
// over groups of GROUP, so that a moment in which another process had the CPU does not count. RATE: of connections, a
// second. PROCESSES: that share both, each with a server of its own; the first one prints.
//
// tcp: connect, accept, 10 octets each way, close of both. udp: a socket, one datagram, its reception, close.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GROUP = 50, MOST_GROUPS = 10000 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

static int compare(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static void check(int result, const char *what) {
  if (result >= 0) return;
  perror(what);
  exit(1);
}

static int bound(int type, struct sockaddr_in *address) {
  int fd = socket(AF_INET, type, 0);
  socklen_t length = sizeof *address;
  // Another address in each run: connections of earlier runs, in TIME_WAIT, leave no ports otherwise.
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000 | (getpid() & 0xffff) << 8 | 1)};
  check(bind(fd, (struct sockaddr *)address, sizeof *address), "bind");
  check(getsockname(fd, (struct sockaddr *)address, &length), "getsockname");
  return fd;
}

static void tcp(int listener, const struct sockaddr_in *server) {
  char buffer[10] = {0};
  int client = socket(AF_INET, SOCK_STREAM, 0);
  check(connect(client, (const struct sockaddr *)server, sizeof *server), "connect");
  int accepted = accept(listener, NULL, NULL);
  check(send(client, buffer, sizeof buffer, 0), "send");
  check(recv(accepted, buffer, sizeof buffer, 0), "recv");
  check(send(accepted, buffer, sizeof buffer, 0), "send");
  check(recv(client, buffer, sizeof buffer, 0), "recv");
  close(client);
  close(accepted);
}

static void udp(int receiver, const struct sockaddr_in *server) {
  char buffer[10] = {0};
  int client = socket(AF_INET, SOCK_DGRAM, 0);
  check(sendto(client, buffer, sizeof buffer, 0, (const struct sockaddr *)server, sizeof *server), "sendto");
  check(recv(receiver, buffer, sizeof buffer, 0), "recv");
  close(client);
}

/* @return nanoseconds per connection */
static double run(int is_tcp, int count, double rate) {
  struct sockaddr_in server;
  int fd = bound(is_tcp ? SOCK_STREAM : SOCK_DGRAM, &server);
  if (is_tcp) check(listen(fd, 16), "listen");
  static double groups[MOST_GROUPS];
  int made = 0;
  double start = now();
  for (; made < count / GROUP && made < MOST_GROUPS; made++) {
    double begin = now();
    for (int i = 0; i < GROUP; i++) (is_tcp ? tcp : udp)(fd, &server);
    groups[made] = (now() - begin) / GROUP;
    double early = rate == 0 ? 0 : start + (made + 1) * GROUP * 1e9 / rate - now();
    if (early > 0) usleep(early / 1000);
  }
  qsort(groups, made, sizeof *groups, compare);
  return groups[made / 2];
}

int main(int argc, char **argv) {
  int processes = argc > 4 ? atoi(argv[4]) : 1;
  if (argc < 3 || processes < 1 || atoi(argv[2]) / processes < GROUP) return 2;
  double rate = argc > 3 ? atof(argv[3]) / processes : 0;
  int is_tcp = strcmp(argv[1], "tcp") == 0, count = atoi(argv[2]) / processes, failed = 0, status;
  for (int i = 1; i < processes; i++) {
    int pid = fork();
    check(pid, "fork");
    if (pid > 0) continue;
    run(is_tcp, count, rate);
    return 0;
  }
  double each = run(is_tcp, count, rate);
  while (wait(&status) > 0) failed |= status != 0;
  printf("%.0f\n", each);
  return failed;
}
