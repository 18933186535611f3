// Clients, each a scenario: makes one socket, talks to a server of servers.c, and says who did.
#include "clients.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "uring.h"

enum { OCTETS = 200, ANSWER = 300 };

static const char *host_of(const struct scenario *s) { return s->host != NULL ? s->host : servers[s->server].host; }

static int socket_for(const struct scenario *s) {
  const int type = s->protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
  int fd = socket(strchr(host_of(s), ':') ? AF_INET6 : AF_INET, type, 0);
  if (fd < 0) die("socket");
  const struct timeval patience = {5, 0}; // what is lost ends the workload, it does not hang
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

static void connect_to(int fd, const struct scenario *s) {
  struct sockaddr_storage to;
  socklen_t length = to_sockaddr(host_of(s), servers[s->server].port, &to);
  if (connect(fd, (struct sockaddr *)&to, length) < 0) die(s->name);
}

int open_connected(const struct scenario *s) {
  int fd = socket_for(s);
  connect_to(fd, s);
  return fd;
}

static struct message message_for(const struct end *end, uint32_t octets, uint32_t answer) {
  return (struct message){.scenario = end->scenario,
                          .octets = octets,
                          .answer = answer,
                          .last = !end->more,
                          .from_us = end->from_us,
                          .received_before = end->sent,
                          .sent_before = end->received};
}

static void read_answer(int fd, struct end *end, uint32_t answer) {
  char buffer[4096];
  for (uint32_t got = 0; got < answer;) {
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) die("no answer");
    got += n;
    end->received += n;
  }
}

void ask(int fd, struct end *end, uint32_t octets, uint32_t answer) {
  char buffer[octets];
  memset(buffer, 'x', octets);
  *(struct message *)buffer = message_for(end, octets, answer);
  if (send(fd, buffer, octets, 0) != octets) die("send");
  end->sent += octets;
  read_answer(fd, end, answer);
}

// One datagram, and one back when `answer` is not 0. Unconnected sockets say where to.
static void datagram(int fd, struct end *end, const struct scenario *s, uint32_t answer) {
  char buffer[OCTETS] = {0};
  *(struct message *)buffer = message_for(end, OCTETS, answer);
  struct sockaddr_storage to;
  socklen_t length = to_sockaddr(host_of(s), servers[s->server].port, &to);
  if (sendto(fd, buffer, OCTETS, 0, (struct sockaddr *)&to, length) != OCTETS) die(s->name);
  end->sent += OCTETS;
  if (answer > 0) read_answer(fd, end, answer);
  note_ends(fd, end);
  note_remote(end, &to);
}

void tcp_client(const struct scenario *s) {
  struct end end = begin(s);
  int fd = open_connected(s);
  note_ends(fd, &end);
  ask(fd, &end, OCTETS, ANSWER);
  close(fd);
  finish(&end);
}

static void connect_and_ask(struct end *end, const struct scenario *s, void *unused) {
  (void)unused;
  int fd = open_connected(s);
  note_ends(fd, end);
  ask(fd, end, OCTETS, ANSWER);
}

void tcp_fork(const struct scenario *s) { finish_child(start_child(connect_and_ask, s, NULL)); }

// The program itself again: `exec-client SCENARIO PIPE HOST PORT`.
static void exec_client(struct end *end, const struct scenario *s, void *pipe) {
  (void)end;
  char scenario[12], descriptor[12], port[12];
  snprintf(scenario, sizeof scenario, "%d", (int)(s - scenarios));
  snprintf(descriptor, sizeof descriptor, "%d", *(int *)pipe);
  snprintf(port, sizeof port, "%d", servers[s->server].port);
  execl("/proc/self/exe", "workload", "exec-client", scenario, descriptor, host_of(s), port, NULL);
  die("exec");
}

void through_exec(const struct scenario *s) { finish_child(start_child(exec_client, s, NULL)); }

int main_of_exec_client(char **words) {
  struct scenario s = scenarios[atoi(words[2])];
  struct end end = {.scenario = atoi(words[2]), .from_us = now_us()};
  s.host = words[4];
  servers[s.server].port = atoi(words[5]);
  if (s.protocol == IPPROTO_TCP) {
    int fd = open_connected(&s);
    note_ends(fd, &end);
    ask(fd, &end, OCTETS, ANSWER);
  } else {
    datagram(socket_for(&s), &end, &s, 0);
  }
  return write(atoi(words[3]), &end, sizeof end) == sizeof end ? 0 : 1;
}

static void connect_given(struct end *end, const struct scenario *s, void *fd) {
  connect_to(*(int *)fd, s);
  note_ends(*(int *)fd, end);
  ask(*(int *)fd, end, OCTETS, ANSWER);
}

// The parent makes the socket, the child uses it.
void tcp_of_parent(const struct scenario *s) {
  int fd = socket_for(s);
  struct child child = start_child(connect_given, s, &fd);
  close(fd);
  finish_child(child);
}

static void ask_on(struct end *end, const struct scenario *s, void *fd) {
  (void)s;
  note_ends(*(int *)fd, end);
  ask(*(int *)fd, end, OCTETS, ANSWER);
}

// The parent connects, the child talks, the parent closes last.
void tcp_connected_by_parent(const struct scenario *s) {
  int fd = open_connected(s);
  finish_child(start_child(ask_on, s, &fd));
  close(fd);
}

static void ask_on_passed(struct end *end, const struct scenario *s, void *unix_socket) {
  (void)s;
  char byte, control[CMSG_SPACE(sizeof(int))];
  struct iovec one = {&byte, 1};
  struct msghdr m = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (recvmsg(*(int *)unix_socket, &m, 0) != 1 || CMSG_FIRSTHDR(&m) == NULL) die("SCM_RIGHTS");
  int fd = *(int *)CMSG_DATA(CMSG_FIRSTHDR(&m));
  end->from_us = now_us();
  note_ends(fd, end);
  ask(fd, end, OCTETS, ANSWER);
}

static void pass(int over, int fd) {
  char control[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec one = {"x", 1};
  struct msghdr m = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  *CMSG_FIRSTHDR(&m) = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
  *(int *)CMSG_DATA(CMSG_FIRSTHDR(&m)) = fd;
  if (sendmsg(over, &m, 0) != 1) die("SCM_RIGHTS");
}

// A connects and passes the socket to B, which was there before: only B talks.
void tcp_passed(const struct scenario *s) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) die("socketpair");
  struct child child = start_child(ask_on_passed, s, &pair[1]);
  int fd = open_connected(s);
  pass(pair[0], fd);
  close(fd), close(pair[0]), close(pair[1]);
  finish_child(child);
}

// A talks first, then B goes on with the same connection: two rows, one after the other.
void tcp_passed_later(const struct scenario *s) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) die("socketpair");
  struct child child = start_child(ask_on_passed, s, &pair[1]);
  struct end end = begin(s);
  int fd = open_connected(s);
  note_ends(fd, &end);
  ask(fd, &end, OCTETS, ANSWER);
  finish(&end);
  pass(pair[0], fd);
  close(fd), close(pair[0]), close(pair[1]);
  finish_child(child);
}

// Port P of client sockets is used by one process after the other; RST leaves no TIME_WAIT behind.
static void ask_from_port(struct end *end, const struct scenario *s, void *port) {
  struct sockaddr_storage from;
  const struct linger reset = {1, 0};
  const int on = 1;
  int tcp = s->protocol == IPPROTO_TCP;
  int fd = socket_for(s);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  socklen_t length = to_sockaddr(host_of(s), *(int *)port, &from);
  if (bind(fd, (struct sockaddr *)&from, length) < 0) {
    end->protocol = 0; // somebody else has that port: nothing happened, nothing is logged
    return;
  }
  if (!tcp) {
    datagram(fd, end, s, 0);
    return;
  }
  connect_to(fd, s);
  note_ends(fd, end);
  ask(fd, end, OCTETS, ANSWER);
}

void port_again(const struct scenario *s) {
  int port = 21000 + (s - scenarios); // below the ports that the kernel gives away
  finish_child(start_child(ask_from_port, s, &port));
}

void udp_one(const struct scenario *s) {
  struct end end = begin(s);
  int fd = socket_for(s);
  datagram(fd, &end, s, 0);
  close(fd);
  finish(&end);
}

void udp_answered(const struct scenario *s) {
  struct end end = begin(s);
  int fd = open_connected(s);
  datagram(fd, &end, s, ANSWER);
  close(fd);
  finish(&end);
}

static void send_datagram(struct end *end, const struct scenario *s, void *unused) {
  (void)unused;
  datagram(socket_for(s), end, s, 0);
}

void udp_fork(const struct scenario *s) { finish_child(start_child(send_datagram, s, NULL)); }

static void send_on(struct end *end, const struct scenario *s, void *fd) { datagram(*(int *)fd, end, s, 0); }

void udp_of_parent(const struct scenario *s) {
  int fd = socket_for(s);
  struct child child = start_child(send_on, s, &fd);
  close(fd);
  finish_child(child);
}

void tcp_io_uring(const struct scenario *s) {
  static struct ring ring;
  static pid_t of;
  if (of != getpid()) ring = open_ring(), of = getpid();
  struct end end = begin(s);
  int fd = open_connected(s);
  char buffer[OCTETS] = {0}, answer[ANSWER];
  note_ends(fd, &end);
  *(struct message *)buffer = message_for(&end, OCTETS, ANSWER);
  end.sent = ring_send(&ring, fd, buffer, OCTETS);
  while (end.received < ANSWER) end.received += ring_receive(&ring, fd, answer, ANSWER - end.received);
  close(fd);
  finish(&end);
}

// Out by sendfile(2), in by splice(2): neither send nor recv is ever called.
void tcp_sendfile(const struct scenario *s) {
  int file = memfd_create("message", MFD_CLOEXEC), through[2];
  if (file < 0 || pipe2(through, O_CLOEXEC) < 0) die("memfd");
  struct end end = begin(s);
  int fd = open_connected(s);
  char buffer[OCTETS] = {0};
  note_ends(fd, &end);
  *(struct message *)buffer = message_for(&end, OCTETS, ANSWER);
  off_t at = 0;
  if (pwrite(file, buffer, OCTETS, 0) != OCTETS || sendfile(fd, file, &at, OCTETS) != OCTETS) die("sendfile");
  end.sent = OCTETS;
  while (end.received < ANSWER) {
    ssize_t n = splice(fd, NULL, through[1], NULL, ANSWER, 0);
    if (n <= 0) die("splice");
    end.received += n;
  }
  close(fd), close(file), close(through[0]), close(through[1]);
  finish(&end);
}
