// Servers read messages, answer them and log what their end of each connection was, when it is closed.
#include "servers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 3, CONNECTIONS = 512, LISTEN_FD = 3 }; // sd_listen_fds(3): the first descriptor is 3

// Ports of their own below those that the kernel gives away: a capture filter tells this traffic from any other.
static int port_for(const struct server *server) { return first_port + (int)(server - servers); }

static int bound(const struct server *server, int port, int shared) {
  struct sockaddr_storage address;
  const int on = 1;
  const char *host = server->bind_to != NULL ? server->bind_to : server->host;
  const int type = server->protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
  int fd = socket(strchr(host, ':') ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  socklen_t length = to_sockaddr(host, port, &address);
  if (bind(fd, (struct sockaddr *)&address, length) < 0) die("bind");
  if (type == SOCK_STREAM && listen(fd, 256) < 0) die("listen");
  return fd;
}

static int port_of(int fd) {
  struct end end = {0};
  note_ends(fd, &end);
  return ntohs(end.local.sin6_port);
}

static void announce(int ready, int port) {
  if (write(ready, &port, sizeof port) != sizeof port) die("ready");
  close(ready);
}

static int send_all(int fd, int64_t octets) {
  static const char zeros[65536];
  while (octets > 0) {
    ssize_t n = send(fd, zeros, octets < (int64_t)sizeof zeros ? octets : (int64_t)sizeof zeros, MSG_NOSIGNAL);
    if (n < 0) return -1;
    octets -= n;
  }
  return 0;
}

// One message and its answer. @returns 0 when the client is gone
static int serve_message(int fd, struct end *end) {
  struct message m;
  char rest[65536];
  if (recv(fd, &m, sizeof m, MSG_WAITALL) != sizeof m) return 0;
  if (end->from_us == 0) end->from_us = m.from_us, end->scenario = m.scenario;
  for (uint32_t left = m.octets - sizeof m; left > 0;) {
    ssize_t n = recv(fd, rest, left < sizeof rest ? left : sizeof rest, 0);
    if (n <= 0) return 0;
    left -= n;
  }
  end->received += m.octets;
  if (send_all(fd, m.answer) < 0) return 0;
  end->sent += m.answer;
  return 1;
}

static void close_and_log(int fd, struct end *end) {
  close(fd);
  if (end->from_us != 0) finish(end);
}

static struct end accepted(int fd, pid_t parent) {
  struct end end = {.serving = 1, .other = parent};
  note_ends(fd, &end); // now: a reset takes the remote end away
  return end;
}

static void serve_connection(int fd, pid_t parent) {
  struct end end = accepted(fd, parent);
  while (serve_message(fd, &end)) {
  }
  close_and_log(fd, &end);
}

// One process, many connections.
static _Noreturn void serve_all(int listener, pid_t parent) {
  static struct pollfd polled[CONNECTIONS];
  static struct end ends[CONNECTIONS];
  int count = 1;
  fcntl(listener, F_SETFL, O_NONBLOCK); // another worker may be faster
  polled[0] = (struct pollfd){listener, POLLIN, 0};
  for (;;) {
    if (poll(polled, count, -1) < 0) die("poll");
    for (int i = count - 1; i > 0; i--) {
      if (polled[i].revents == 0 || serve_message(polled[i].fd, &ends[i])) continue;
      close_and_log(polled[i].fd, &ends[i]);
      polled[i] = polled[--count];
      ends[i] = ends[count];
    }
    if (polled[0].revents == 0 || count == CONNECTIONS) continue;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) continue;
    polled[count] = (struct pollfd){fd, POLLIN, 0};
    ends[count++] = accepted(fd, parent);
  }
}

void tcp_single(const struct server *server, int ready) {
  int listener = bound(server, port_for(server), 0);
  announce(ready, port_of(listener));
  serve_all(listener, 0);
}

// A child for each connection; the parent lets go at once.
void tcp_forking(const struct server *server, int ready) {
  int listener = bound(server, port_for(server), 0);
  announce(ready, port_of(listener));
  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) continue;
    pid_t parent = getpid();
    if (fork() == 0) {
      close(listener);
      serve_connection(fd, parent);
      _exit(0);
    }
    close(fd);
  }
}

// The same, but the parent keeps its copy until the child has ended: it is the parent that closes the connection.
void tcp_forking_kept(const struct server *server, int ready) {
  int listener = bound(server, port_for(server), 0);
  announce(ready, port_of(listener));
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) continue;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
      close(listener);
      serve_connection(fd, parent);
      _exit(0);
    }
    waitpid(pid, NULL, 0);
    close(fd);
  }
}


// The parent listens, the workers accept.
void tcp_prefork(const struct server *server, int ready) {
  int listener = bound(server, port_for(server), 0);
  pid_t parent = getpid();
  for (int i = 0; i < WORKERS; i++)
    if (fork() == 0) {
      end_with_parent();
      serve_all(listener, parent);
    }
  announce(ready, port_of(listener));
  for (;;) pause();
}

// Each worker has a listener of its own on the same port; the first one, which only chose the port, is closed.
void tcp_reuseport(const struct server *server, int ready) {
  const int port = port_for(server), first = bound(server, port, 1);
  int listening[2];
  char byte = 0;
  if (pipe(listening) < 0) die("pipe");
  for (int i = 0; i < WORKERS; i++)
    if (fork() == 0) {
      end_with_parent();
      close(first);
      int listener = bound(server, port, 1);
      if (write(listening[1], &byte, 1) != 1) die("pipe");
      serve_all(listener, 0);
    }
  for (int i = 0; i < WORKERS; i++)
    if (read(listening[0], &byte, 1) != 1) die("pipe");
  close(first);
  announce(ready, port);
  for (;;) pause();
}

// The parent listens and executes the server with the listener as descriptor 3, as systemd does; it keeps it itself.
void tcp_activated(const struct server *server, int ready) {
  int listener = bound(server, port_for(server), 0);
  char log[12], parent[12];
  snprintf(log, sizeof log, "%d", log_fd);
  snprintf(parent, sizeof parent, "%d", getpid());
  announce(ready, port_of(listener));
  if (fork() == 0) {
    end_with_parent();
    if (dup2(log_fd, 9) < 0 || dup2(listener, LISTEN_FD) < 0) die("dup2");
    execl("/proc/self/exe", "workload", "activated", "9", parent, NULL);
    die("exec");
  }
  for (;;) pause();
}

int main_of_activated(char **words) {
  log_fd = atoi(words[2]);
  serve_all(LISTEN_FD, atoi(words[3]));
}

// Answers with what is wanted; logs an end at its last datagram.
static _Noreturn void serve_datagrams(const struct server *server, int fd) {
  char buffer[65536];
  struct end self = {0};
  struct sockaddr_storage host;
  note_ends(fd, &self);
  to_sockaddr(server->host, ntohs(self.local.sin6_port), &host);
  for (;;) {
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    ssize_t n = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length);
    const struct message *m = (struct message *)buffer;
    if (n < (ssize_t)sizeof *m) continue;
    if (m->answer > 0 && sendto(fd, buffer, m->answer, 0, (struct sockaddr *)&from, length) < 0) continue;
    if (!m->last) continue;
    struct end end = {.serving = 1, .scenario = m->scenario, .protocol = IPPROTO_UDP, .from_us = m->from_us};
    note_remote(&end, &host);
    end.local = end.remote;
    note_remote(&end, &from);
    end.received = m->received_before + n;
    end.sent = m->sent_before + m->answer;
    finish(&end);
  }
}

void udp_single(const struct server *server, int ready) {
  int fd = bound(server, port_for(server), 0);
  announce(ready, port_of(fd));
  serve_datagrams(server, fd);
}

void udp_reuseport(const struct server *server, int ready) {
  const int port = port_for(server), fd = bound(server, port, 1);
  for (int i = 1; i < WORKERS; i++)
    if (fork() == 0) {
      end_with_parent();
      close(fd);
      serve_datagrams(server, bound(server, port, 1));
    }
  announce(ready, port_of(fd));
  serve_datagrams(server, fd);
}
