// The usual way to name connections, as a peer: every INTERVAL_MS all of /proc/net and all of /proc/PID/fd are read.
//
//   poller INTERVAL_MS
//
// Until SIGINT; then prints each socket it saw with the process that held it, a JSON line each. A socket is named by
// the first process found with it. Who asks afterwards takes the row of the exact tuple, else of the listening port.
// On a busy machine it polls less often: the line "polls MADE of DUE" on standard error says how much.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 1 << 18, OWNERS = 1 << 20, TEXT = 1 << 22 };

struct row {
  uint64_t inode;
  char tuple[76]; // the two addresses as /proc/net has them
  uint8_t protocol, used;
  int pid;
  long long start_ticks;
  int64_t from_us, to_us;
};

struct owner {
  uint64_t inode;
  uint32_t scan;
  int pid;
};

static struct row *rows;
static struct owner *owners;
static uint32_t nameless[SLOTS], nameless_count; // rows without a process that the last poll still saw
static char *text;
static uint32_t scan;
static volatile sig_atomic_t stopping;

static void stop(int signal) { (void)signal, stopping = 1; }

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static size_t slurp(const char *path) {
  size_t size = 0;
  ssize_t n;
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  while (size < TEXT - 1 && (n = read(fd, text + size, TEXT - 1 - size)) > 0) size += n;
  close(fd);
  text[size] = 0;
  return size;
}

static long long start_ticks(int pid) {
  char path[40];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (slurp(path) == 0) return 0;
  char *at = strrchr(text, ')');
  for (int i = 0; i < 20 && at != NULL; i++) at = strchr(at + 1, ' ');
  return at == NULL ? 0 : atoll(at);
}

static uint64_t hash(const char *tuple, uint64_t inode) {
  uint64_t h = inode * 0x9e3779b97f4a7c15u;
  for (; *tuple; tuple++) h = (h ^ (uint8_t)*tuple) * 0x100000001b3u;
  return h ^ h >> 29;
}

static void see(int protocol, const char *tuple, uint64_t inode, int64_t at) {
  uint64_t i = hash(tuple, inode) % SLOTS;
  while (rows[i].used && (rows[i].inode != inode || strcmp(rows[i].tuple, tuple) != 0)) i = (i + 1) % SLOTS;
  if (!rows[i].used) {
    rows[i] = (struct row){.inode = inode, .protocol = protocol, .used = 1, .from_us = at};
    strcpy(rows[i].tuple, tuple);
    nameless[nameless_count++] = i;
  }
  rows[i].to_us = at;
}

static void read_sockets(void) {
  static const struct { const char *path; int protocol; } tables[] = {
      {"/proc/net/tcp", 6}, {"/proc/net/tcp6", 6}, {"/proc/net/udp", 17}, {"/proc/net/udp6", 17}};
  for (int i = 0; i < 4; i++) {
    const int64_t at = now_us();
    if (slurp(tables[i].path) == 0) continue;
    for (char *line = strchr(text, '\n'); line != NULL && line[1] != 0; line = strchr(line + 1, '\n')) {
      char local[38], remote[38], tuple[76];
      unsigned long long inode;
      if (sscanf(line + 1, " %*d: %37s %37s %*x %*s %*s %*s %*d %*d %llu", local, remote, &inode) != 3 || inode == 0) continue;
      snprintf(tuple, sizeof tuple, "%s %s", local, remote);
      see(tables[i].protocol, tuple, inode, at);
    }
  }
}

static void read_descriptors(const char *pid) {
  char path[320], target[64];
  snprintf(path, sizeof path, "/proc/%s/fd", pid);
  DIR *dir = opendir(path);
  if (dir == NULL) return;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    unsigned long long inode;
    ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
    if (n <= 0) continue;
    target[n] = 0;
    if (sscanf(target, "socket:[%llu]", &inode) != 1) continue;
    struct owner *o = &owners[inode * 0x9e3779b97f4a7c15u >> 44];
    while (o->scan == scan && o->inode != inode) o = o + 1 == owners + OWNERS ? owners : o + 1;
    if (o->scan != scan) *o = (struct owner){inode, scan, atoi(pid)};
  }
  closedir(dir);
}

static void name_rows(int64_t since_us) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < nameless_count; i++) {
    struct row *row = &rows[nameless[i]];
    if (row->to_us < since_us) continue; // gone
    nameless[kept++] = nameless[i];
    struct owner *o = &owners[row->inode * 0x9e3779b97f4a7c15u >> 44];
    while (o->scan == scan && o->inode != row->inode) o = o + 1 == owners + OWNERS ? owners : o + 1;
    if (o->scan != scan) continue;
    kept--;
    row->pid = o->pid;
    row->start_ticks = start_ticks(o->pid);
  }
  nameless_count = kept;
}

static void print_end(const char *end) {
  char words[33], out[INET6_ADDRSTRLEN];
  unsigned port;
  struct in6_addr address = {0};
  sscanf(end, "%32[0-9A-F]:%X", words, &port);
  const int count = strlen(words) / 8;
  for (int i = 0; i < count; i++) { // 32-bit words in the byte order of this machine
    char word[9] = {0};
    memcpy(word, words + 8 * i, 8);
    address.s6_addr32[i] = strtoul(word, NULL, 16);
  }
  inet_ntop(count == 1 ? AF_INET : AF_INET6, &address, out, sizeof out);
  printf("[\"%s\",%u]", strncmp(out, "::ffff:", 7) == 0 ? out + 7 : out, port);
}

int main(int count, char **words) {
  const int64_t interval_us = 1000 * (count > 1 ? atoi(words[1]) : 100);
  rows = calloc(SLOTS, sizeof *rows);
  owners = calloc(OWNERS, sizeof *owners);
  text = malloc(TEXT);
  signal(SIGINT, stop);
  fprintf(stderr, "ready\n");
  const int64_t started_us = now_us();
  for (int64_t next = now_us(); !stopping; next += interval_us) {
    const int64_t since_us = now_us();
    scan++;
    read_sockets();
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;)
      if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') read_descriptors(entry->d_name);
    closedir(proc);
    name_rows(since_us);
    if (next < now_us()) next = now_us(); // behind: no burst
    else usleep(next + interval_us - now_us() > 0 ? next + interval_us - now_us() : 0);
  }
  fprintf(stderr, "polls %u of %lld\n", scan, (long long)((now_us() - started_us) / interval_us) + 1);
  for (struct row *row = rows; row < rows + SLOTS; row++) {
    if (!row->used || row->pid == 0) continue;
    printf("{\"protocol\":\"%s\",\"local\":", row->protocol == 6 ? "tcp" : "udp");
    print_end(row->tuple);
    printf(",\"remote\":");
    print_end(strchr(row->tuple, ' ') + 1);
    printf(",\"pid\":%d,\"start_ticks\":%lld,\"from_us\":%lld,\"to_us\":%lld}\n", row->pid, row->start_ticks,
           (long long)row->from_us, (long long)row->to_us);
  }
}
