// Traffic whose owners are known, of every kind of ownership, for test/bench/accuracy.bench.ts.
//
//   workload LOG REPEAT GAP_US STORM SCENARIOS [PLACE=NETNS_PATH,ADDRESS ...]
//
// Starts servers and the connections that are to be older than the recorder, prints "ready", waits for a line, then runs
// each scenario REPEAT times with GAP_US in between (STORM > 0: instead all short ones in turn, without gaps, until
// STORM ends of sockets were used), prints "done N". SCENARIOS: words separated by commas, of which a scenario's name has
// one, or its set is one; empty: all. Each end of each socket becomes a line of LOG.
// Places: far (a namespace on a veth with this one), host (this one's address there), container and outside (two
// namespaces with address translation in between). Without a place its scenarios are left out.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients.h"
#include "servers.h"

#define V4 "127.0.0.1"
#define MAPPED "::ffff:127.0.0.1"
#define TCP IPPROTO_TCP
#define UDP IPPROTO_UDP

enum {
  Tcp4, Tcp6, TcpDual, TcpForking, TcpKept, TcpPrefork, TcpReuseport, TcpActivated, Udp4, Udp6, UdpDual, UdpReuseport,
  TcpHere, UdpHere, TcpFarLo, UdpFarLo, TcpFar, UdpFar, TcpOutside, UdpOutside, SERVERS
};

struct server servers[SERVERS] = {
    [Tcp4] = {tcp_single, V4, NULL, TCP, Here, 0},
    [Tcp6] = {tcp_single, "::1", NULL, TCP, Here, 0},
    [TcpDual] = {tcp_single, V4, "::", TCP, Here, 0},
    [TcpForking] = {tcp_forking, V4, NULL, TCP, Here, 0},
    [TcpKept] = {tcp_forking_kept, V4, NULL, TCP, Here, 0},
    [TcpPrefork] = {tcp_prefork, V4, NULL, TCP, Here, 0},
    [TcpReuseport] = {tcp_reuseport, V4, NULL, TCP, Here, 0},
    [TcpActivated] = {tcp_activated, V4, NULL, TCP, Here, 0},
    [Udp4] = {udp_single, V4, NULL, UDP, Here, 0},
    [Udp6] = {udp_single, "::1", NULL, UDP, Here, 0},
    [UdpDual] = {udp_single, V4, "::", UDP, Here, 0},
    [UdpReuseport] = {udp_reuseport, V4, NULL, UDP, Here, 0},
    [TcpHere] = {tcp_single, NULL, NULL, TCP, Here, 0},
    [UdpHere] = {udp_single, NULL, NULL, UDP, Here, 0},
    [TcpFarLo] = {tcp_single, V4, NULL, TCP, Far, 0},
    [UdpFarLo] = {udp_single, V4, NULL, UDP, Far, 0},
    [TcpFar] = {tcp_single, NULL, NULL, TCP, Far, 0},
    [UdpFar] = {udp_single, NULL, NULL, UDP, Far, 0},
    [TcpOutside] = {tcp_single, NULL, NULL, TCP, Outside, 0},
    [UdpOutside] = {udp_single, NULL, NULL, UDP, Outside, 0},
};

const struct scenario scenarios[] = {
    {"TCP v4", "short", TCP, tcp_client, Tcp4, NULL, Here},
    {"TCP v6", "short", TCP, tcp_client, Tcp6, NULL, Here},
    {"TCP v6 socket to v4", "short", TCP, tcp_client, Tcp4, MAPPED, Here},
    {"TCP v4 to dual-stack server", "short", TCP, tcp_client, TcpDual, NULL, Here},
    {"TCP server forks per connection", "short", TCP, tcp_client, TcpForking, NULL, Here},
    {"TCP server forks, parent closes", "short", TCP, tcp_client, TcpKept, NULL, Here},
    {"TCP prefork server", "short", TCP, tcp_client, TcpPrefork, NULL, Here},
    {"TCP SO_REUSEPORT workers", "short", TCP, tcp_client, TcpReuseport, NULL, Here},
    {"TCP socket activation", "short", TCP, tcp_client, TcpActivated, NULL, Here},
    {"TCP client process exits at once", "short", TCP, tcp_fork, Tcp4, NULL, Here},
    {"TCP client by fork and exec", "short", TCP, through_exec, Tcp4, NULL, Here},
    {"TCP socket of parent, child connects", "short", TCP, tcp_of_parent, Tcp4, NULL, Here},
    {"TCP connected by parent, child talks", "short", TCP, tcp_connected_by_parent, Tcp4, NULL, Here},
    {"TCP passed by SCM_RIGHTS", "short", TCP, tcp_passed, Tcp4, NULL, Here},
    {"TCP passed between two messages", "short", TCP, tcp_passed_later, Tcp4, NULL, Here},
    {"TCP port again, other process", "short", TCP, port_again, Tcp4, NULL, Here},
    {"TCP by io_uring", "short", TCP, tcp_io_uring, Tcp4, NULL, Here},
    {"TCP by sendfile and splice", "short", TCP, tcp_sendfile, Tcp4, NULL, Here},
    {"UDP one-shot v4", "short", UDP, udp_one, Udp4, NULL, Here},
    {"UDP one-shot v6", "short", UDP, udp_one, Udp6, NULL, Here},
    {"UDP one-shot, v6 socket to v4", "short", UDP, udp_one, Udp4, MAPPED, Here},
    {"UDP one-shot to dual-stack server", "short", UDP, udp_one, UdpDual, NULL, Here},
    {"UDP answered", "short", UDP, udp_answered, Udp4, NULL, Here},
    {"UDP SO_REUSEPORT workers", "short", UDP, udp_answered, UdpReuseport, NULL, Here},
    {"UDP one-shot of a child", "short", UDP, udp_fork, Udp4, NULL, Here},
    {"UDP one-shot by fork and exec", "short", UDP, through_exec, Udp4, NULL, Here},
    {"UDP socket of parent, child sends", "short", UDP, udp_of_parent, Udp4, NULL, Here},
    {"UDP port again, other process", "short", UDP, port_again, Udp4, NULL, Here},
    {"TCP in another namespace", "short", TCP, tcp_client, TcpFarLo, NULL, Far},
    {"UDP in another namespace", "short", UDP, udp_one, UdpFarLo, NULL, Far},
    {"TCP from a namespace to the host", "short", TCP, tcp_client, TcpHere, NULL, Far},
    {"UDP from a namespace to the host", "short", UDP, udp_answered, UdpHere, NULL, Far},
    {"TCP from the host to a namespace", "short", TCP, tcp_client, TcpFar, NULL, Here},
    {"UDP from the host to a namespace", "short", UDP, udp_answered, UdpFar, NULL, Here},
    {"TCP from a container, masqueraded", "short", TCP, tcp_client, TcpOutside, NULL, Container},
    {"UDP from a container, masqueraded", "short", UDP, udp_answered, UdpOutside, NULL, Container},
    {"TCP that lives 0.1 to 500 ms", "held", TCP, lifetime, Tcp4, NULL, Here},
    {"UDP that lives 0.1 to 500 ms", "held", UDP, lifetime, Udp4, NULL, Here},
    {"TCP that lives 100 to 500 ms", "held", TCP, lifetime_long, Tcp4, NULL, Here},
    {"UDP that lives 100 to 500 ms", "held", UDP, lifetime_long, Udp4, NULL, Here},
    {"TCP that lives 3 s", "held", TCP, controls, Tcp4, NULL, Here},
    {"UDP that lives 3 s", "held", UDP, controls, Udp4, NULL, Here},
    {"TCP older than the recorder", "old", TCP, NULL, Tcp4, NULL, Here},
    {"UDP older than the recorder", "old", UDP, NULL, Udp4, NULL, Here},
};

enum { SCENARIOS = sizeof scenarios / sizeof *scenarios, LANES = 4 };

static const char *const place_names[PLACES] = {"host", "far", "container", "outside"};

static int exists(enum place place) { return place == Here || netns_path[place] != NULL; }

static const char *wanted = "";

static int is_wanted(const struct scenario *s) {
  char words[256], *rest = NULL;
  snprintf(words, sizeof words, "%s", wanted);
  for (char *word = strtok_r(words, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest))
    if (strcmp(word, s->set) == 0 || strstr(s->name, word) != NULL) return 1;
  return wanted[0] == 0;
}

static int possible(const struct scenario *s) {
  const struct server *server = &servers[s->server];
  return is_wanted(s) && exists(s->place) && exists(server->place) && server->port != 0;
}

static int is_set(const struct scenario *s, const char *set) { return strcmp(s->set, set) == 0 && possible(s); }

static void start_server(struct server *server) {
  int ready[2];
  if (server->host == NULL) server->host = place_host[server->place];
  if (!exists(server->place) || server->host == NULL) return;
  if (pipe(ready) < 0) die("pipe");
  if (fork() == 0) {
    end_with_parent();
    enter(server->place);
    close(ready[0]);
    server->run(server, ready[1]);
  }
  close(ready[1]);
  if (read(ready[0], &server->port, sizeof server->port) != sizeof server->port) die("a server failed");
  close(ready[0]);
}

static pid_t start_old(const struct scenario *s, int *go) {
  int opened[2], start[2];
  char byte;
  if (pipe(opened) < 0 || pipe(start) < 0) die("pipe");
  pid_t pid = fork();
  if (pid == 0) {
    end_with_parent();
    close(opened[0]), close(start[1]);
    old_connections(s, opened[1], start[0]);
    _exit(0);
  }
  close(opened[1]), close(start[0]);
  if (read(opened[0], &byte, 1) != 1) die("old connections");
  close(opened[0]);
  *go = start[1];
  return pid;
}

static pid_t lane(const struct scenario *s, int repeat, int64_t gap_us) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  end_with_parent();
  srand48(s - scenarios + getpid());
  enter(s->place);
  for (int i = 0; i < repeat; i++) {
    s->once(s);
    sleep_us(gap_us);
  }
  _exit(0);
}

static void wait_for(pid_t pid) {
  int status;
  if (waitpid(pid, &status, 0) != pid || status != 0) die("a client failed");
}

// Only scenarios of this namespace: entering another one is for good. Two lanes would meet in port_again.
static int is_for_storm(const struct scenario *s) {
  return is_set(s, "short") && s->place == Here && s->once != port_again;
}

static pid_t storm_lane(int ends) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  end_with_parent();
  for (int done = 0; done < ends;)
    for (const struct scenario *s = scenarios; s < scenarios + SCENARIOS; s++)
      if (is_for_storm(s)) s->once(s), done += 2;
  _exit(0);
}

static void run_set(const char *set, int repeat, int64_t gap_us, int at_a_time) {
  pid_t running[SCENARIOS];
  int count = 0, first = 0;
  for (const struct scenario *s = scenarios; s < scenarios + SCENARIOS; s++) {
    if (!is_set(s, set)) continue;
    running[count++] = lane(s, s->once == controls ? 1 : repeat, gap_us);
    if (count - first == at_a_time) wait_for(running[first++]);
  }
  while (first < count) wait_for(running[first++]);
}

// Several workloads on one machine do not meet: each has a range of ports, and a name in the kernel that says so.
static void take_ports(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  for (first_port = 17000; first_port < 18000; first_port += 50) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "pcapid-workload-%d", first_port);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) == 0) return;
  }
  die("no ports are left");
}

static void set_place(char *word) {
  char *path = strchr(word, '='), *address = path == NULL ? NULL : strchr(path, ',');
  for (int i = 0; i < PLACES && address != NULL; i++) {
    if (strncmp(word, place_names[i], path - word) != 0) continue;
    *address = 0;
    netns_path[i] = i == Here ? NULL : path + 1;
    place_host[i] = address + 1;
    return;
  }
  fprintf(stderr, "workload: %s is no PLACE=NETNS_PATH,ADDRESS\n", word);
  exit(2);
}

int main(int count, char **words) {
  if (count > 2 && strcmp(words[1], "exec-client") == 0) return main_of_exec_client(words);
  if (count > 2 && strcmp(words[1], "activated") == 0) return main_of_activated(words);
  if (count < 6) {
    fprintf(stderr, "usage: workload LOG REPEAT GAP_US STORM SCENARIOS [PLACE=NETNS_PATH,ADDRESS ...]\n");
    return 2;
  }
  const int repeat = atoi(words[2]), gap_us = atoi(words[3]), ends = atoi(words[4]);
  log_fd = open(words[1], O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (log_fd < 0) die(words[1]);
  wanted = words[5];
  for (int i = 6; i < count; i++) set_place(words[i]);
  end_with_parent();
  take_ports();
  for (int i = 0; i < SERVERS; i++) start_server(&servers[i]);

  int chosen = 0;
  for (const struct scenario *s = scenarios; s < scenarios + SCENARIOS; s++)
    chosen += ends > 0 ? is_for_storm(s) : possible(s);
  if (chosen == 0) {
    fprintf(stderr, "workload: no scenario is called %s\n", wanted);
    return 2;
  }

  pid_t old[SCENARIOS];
  int go[SCENARIOS], olds = 0;
  for (const struct scenario *s = scenarios; s < scenarios + SCENARIOS; s++)
    if (is_set(s, "old") && ends == 0) old[olds] = start_old(s, &go[olds]), olds++;
  puts("ready");
  fflush(stdout);
  getchar();
  for (int i = 0; i < olds; i++) close(go[i]);
  if (ends > 0) {
    const pid_t lanes[] = {storm_lane(ends / 2), storm_lane(ends / 2)};
    for (int i = 0; i < 2; i++) wait_for(lanes[i]);
  } else {
    run_set("short", repeat, gap_us, 1);
    run_set("held", repeat, gap_us, SCENARIOS);
    for (int i = 0; i < olds; i++) wait_for(old[i]);
  }
  sleep_us(200000); // servers log what was closed just now
  puts("done");
  return 0; // the servers end with it
}
