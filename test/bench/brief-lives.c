// Processes that live about a millisecond and send one packet each, with their own account of who they are.
//   brief-lives COUNT PORT CHILD   starts them one after the other; every second one executes CHILD
//   CHILD one PORT NUMBER          what such a process runs
// Each writes a line to stdout: pid, start ticks, pid of the parent, its UDP port, 1 when it came from exec, number.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
  char line[128];
  int length = snprintf(line, sizeof line, "%d %llu %d %d %d %s\n", getpid(), start_ticks(), getppid(),
                        ntohs(own.sin_port), executed, number);
  if (write(1, line, length) != length) _exit(1);
  _exit(0);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  if (strcmp(argv[1], "one") == 0) act(atoi(argv[2]), 1, argv[3]);
  for (int i = 0; i < atoi(argv[1]); i++) {
    char number[16];
    snprintf(number, sizeof number, "%d", i);
    if (fork() == 0) {
      if (i % 2) execl(argv[3], "child word", "one", argv[2], number, NULL);
      act(atoi(argv[2]), 0, number);
    }
    int status;
    if (wait(&status) < 0 || status != 0) return 1;
  }
  return 0;
}
