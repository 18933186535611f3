// The log of the workload: who really sent and received on each end of each socket. One JSON line an end.
#include "truth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *netns_path[PLACES];
const char *place_host[PLACES];
int log_fd;
int first_port;

int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

void sleep_us(int64_t us) {
  struct timespec t = {us / 1000000, us % 1000000 * 1000};
  while (nanosleep(&t, &t) < 0) {
  }
}

void die(const char *what) {
  fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
  _exit(1);
}

void enter(enum place place) {
  if (place == Here) return;
  int fd = open(netns_path[place], O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) die(netns_path[place]);
  close(fd);
}

void end_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL); }

// Field 22 of /proc/PID/stat; a zombie has it still.
static long long start_ticks(pid_t pid) {
  char path[40], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (n <= 0) die(path);
  close(fd);
  text[n] = 0;
  char *at = strrchr(text, ')');
  for (int i = 0; i < 20 && at != NULL; i++) at = strchr(at + 1, ' ');
  return at == NULL ? 0 : atoll(at);
}

// Both are asked once a process: a look into /proc costs as much as the socket itself.
static void note_self(struct end *end) {
  static struct end self;
  if (self.pid != getpid()) self = (struct end){.pid = getpid(), .start_ticks = start_ticks(getpid())};
  end->pid = self.pid;
  end->start_ticks = self.start_ticks;
}

static unsigned long netns_inode(void) {
  static unsigned long inode;
  static pid_t of;
  struct stat st;
  if (of != getpid() && stat("/proc/self/ns/net", &st) == 0) inode = st.st_ino, of = getpid();
  return inode;
}

static void text_of(const struct sockaddr_in6 *address, char *out) {
  inet_ntop(AF_INET6, &address->sin6_addr, out, INET6_ADDRSTRLEN);
  if (strncmp(out, "::ffff:", 7) == 0) memmove(out, out + 7, strlen(out + 7) + 1);
}

// An unconnected socket has a port and no address: the kernel chooses one at each send, always the same here.
static void fill_local(struct end *end) {
  static struct sockaddr_in6 remote, local;
  const struct in6_addr *known = &end->local.sin6_addr;
  if (!IN6_IS_ADDR_UNSPECIFIED(known) && !(IN6_IS_ADDR_V4MAPPED(known) && known->s6_addr32[3] == 0)) return;
  if (memcmp(&remote.sin6_addr, &end->remote.sin6_addr, sizeof remote.sin6_addr) != 0) {
    socklen_t length = sizeof local;
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&end->remote, sizeof end->remote) < 0) die("route"); // sends nothing
    getsockname(fd, (struct sockaddr *)&local, &length);
    close(fd);
    remote = end->remote;
  }
  end->local.sin6_addr = local.sin6_addr;
}

static void log_end(struct end *end) {
  char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN], line[1024];
  fill_local(end);
  text_of(&end->local, local);
  text_of(&end->remote, remote);
  const struct scenario *s = &scenarios[end->scenario];
  int n = snprintf(line, sizeof line,
                   "{\"scenario\":\"%s\",\"set\":\"%s\",\"side\":\"%s\",\"protocol\":\"%s\",\"local\":[\"%s\",%d],\"remote\":[\"%s\",%d],"
                   "\"netns\":%lu,\"pid\":%d,\"start_ticks\":%lld,\"other\":%d,\"from_us\":%lld,\"to_us\":%lld,"
                   "\"sent\":%lld,\"received\":%lld}\n",
                   s->name, s->set, end->serving ? "server" : "client", end->protocol == IPPROTO_TCP ? "tcp" : "udp", local, ntohs(end->local.sin6_port), remote,
                   ntohs(end->remote.sin6_port), netns_inode(), end->pid, end->start_ticks, end->other,
                   (long long)end->from_us, (long long)end->to_us, (long long)end->sent, (long long)end->received);
  if (write(log_fd, line, n) != n) die("log"); // O_APPEND: whole lines of many processes
}

socklen_t to_sockaddr(const char *host, int port, struct sockaddr_storage *out) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)out;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
  memset(out, 0, sizeof *out);
  if (strchr(host, ':') == NULL) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    if (inet_pton(AF_INET, host, &v4->sin_addr) != 1) die(host);
    return sizeof *v4;
  }
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1) die(host);
  return sizeof *v6;
}

static struct sockaddr_in6 as_v6(const struct sockaddr_storage *address) {
  if (address->ss_family == AF_INET6) return *(const struct sockaddr_in6 *)address;
  const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
  struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = v4->sin_port};
  mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
  memcpy(&mapped.sin6_addr.s6_addr[12], &v4->sin_addr, 4);
  return mapped;
}

void note_ends(int fd, struct end *end) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  int type;
  getsockname(fd, (struct sockaddr *)&address, &length);
  end->local = as_v6(&address);
  length = sizeof address;
  if (getpeername(fd, (struct sockaddr *)&address, &length) == 0) end->remote = as_v6(&address);
  length = sizeof type;
  getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length);
  end->protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
}

void note_remote(struct end *end, const struct sockaddr_storage *remote) { end->remote = as_v6(remote); }

struct end begin(const struct scenario *s) {
  return (struct end){.scenario = s - scenarios, .from_us = now_us()};
}

void finish(struct end *end) {
  end->to_us = now_us();
  note_self(end);
  log_end(end);
}

// The child ends with its sockets open, as programs do that are in a hurry; its parent asks what it was.
struct child start_child(void (*act)(struct end *, const struct scenario *, void *), const struct scenario *s, void *arg) {
  int ends[2];
  if (pipe(ends) < 0) die("pipe");
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    close(ends[0]);
    struct end end = begin(s);
    act(&end, s, arg ? arg : &ends[1]);
    if (write(ends[1], &end, sizeof end) != sizeof end) die("pipe");
    _exit(0);
  }
  close(ends[1]);
  return (struct child){pid, ends[0]};
}

void finish_child(struct child child) {
  struct end end;
  siginfo_t info;
  ssize_t n = read(child.pipe, &end, sizeof end);
  close(child.pipe);
  if (waitid(P_PID, child.pid, &info, WEXITED | WNOWAIT) < 0) die("waitid");
  end.start_ticks = start_ticks(child.pid);
  waitpid(child.pid, NULL, 0);
  if (n != sizeof end) die("a child failed");
  end.pid = child.pid;
  end.other = getpid();
  end.to_us = now_us();
  if (end.protocol != 0) log_end(&end);
}
