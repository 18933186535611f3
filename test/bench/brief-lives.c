// Processes that live about a millisecond and send one packet each, with their own account of who they are.
//   brief-lives COUNT PORT CHILD   starts them one after the other, in turn in each of the ways below; half of them execute CHILD
//   CHILD one PORT NUMBER          what such a process runs
// Each writes a line to stdout: pid, start ticks, pid of the parent, its UDP port, 1 when it came from exec, number, comm.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned long long start_ticks(void) {
  char text[1024];
  FILE *file = fopen("/proc/self/stat", "r");
  size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file) fclose(file);
  text[length] = 0;
  char *at = strrchr(text, ')');
  for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
  return at ? strtoull(at, NULL, 10) : 0;
}

static void act(int port, int executed, const char *number) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)}, own;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof own;
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) || send(fd, "x", 1, 0) != 1) _exit(1);
  getsockname(fd, (struct sockaddr *)&own, &size);
  char line[128], comm[16];
  prctl(PR_GET_NAME, comm);
  int length = snprintf(line, sizeof line, "%d %llu %d %d %d %s %s\n", getpid(), start_ticks(), getppid(),
                        ntohs(own.sin_port), executed, number, comm);
  if (write(1, line, length) != length) _exit(1);
  _exit(0);
}

static char **child_words;

static void *execute(void *path) {
  execv(path, child_words);
  return NULL;
}

// Another thread than the first calls exec and gets the pid of the process.
static void execute_in_thread(char *path) {
  pthread_t thread;
  pthread_create(&thread, NULL, execute, path);
  pthread_join(thread, NULL);
  _exit(1);
}

static pid_t spawn(char *path) { // by vfork(2), or what is like it
  pid_t pid;
  return posix_spawn(&pid, path, NULL, NULL, child_words, NULL) == 0 ? pid : -1;
}

static void act_through_child(int port, const char *number) {
  int status;
  if (fork() == 0) act(port, 0, number);
  _exit(wait(&status) < 0 || status != 0);
}

enum { FORK, FORK_EXEC, RENAMED, VFORK_EXEC, GRANDCHILD, THREAD_EXEC, WAYS };

static pid_t start(int way, int port, char *path, const char *number) {
  if (way == VFORK_EXEC) return spawn(path);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  if (way == FORK_EXEC) execv(path, child_words);
  if (way == THREAD_EXEC) execute_in_thread(path);
  if (way == GRANDCHILD) act_through_child(port, number);
  if (way == RENAMED) prctl(PR_SET_NAME, "another-name");
  act(port, 0, number);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  if (strcmp(argv[1], "one") == 0) act(atoi(argv[2]), 1, argv[3]);
  for (int i = 0; i < atoi(argv[1]); i++) {
    char number[16];
    snprintf(number, sizeof number, "%d", i);
    char *words[] = {"child word", "one", argv[2], number, NULL};
    child_words = words;
    int status;
    if (start(i % WAYS, atoi(argv[2]), argv[3], number) < 0 || wait(&status) < 0 || status != 0) return 1;
  }
  return 0;
}
