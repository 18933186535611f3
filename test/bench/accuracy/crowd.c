// Processes that do nothing, for whoever reads /proc: crowd PROCESSES DESCRIPTORS. Half of the descriptors are sockets.
// Prints "ready" and ends when its standard input does.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **words) {
  const int processes = count > 1 ? atoi(words[1]) : 0, descriptors = count > 2 ? atoi(words[2]) : 0;
  for (int i = 0; i < processes; i++) {
    if (fork() != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int d = 0; d < descriptors; d++)
      if ((d % 2 == 0 ? socket(AF_INET, SOCK_DGRAM, 0) : open("/dev/null", O_RDONLY)) < 0) return 1;
    for (;;) pause();
  }
  puts("ready");
  fflush(stdout);
  while (getchar() != EOF) {
  }
  return 0;
}
