// Sockets that stay: lifetimes from 0.1 to 500 ms, three seconds, and those that were there before the recorder.
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients.h"

enum { OCTETS = 500, ANSWER = 1000, CONTROLS = 20, OLD = 10 };

static void hold(struct end *end, const struct scenario *s, int64_t us) {
  int fd = open_connected(s);
  note_ends(fd, end);
  end->more = 1;
  ask(fd, end, OCTETS, ANSWER);
  sleep_us(us);
  end->more = 0;
  ask(fd, end, OCTETS, ANSWER);
  close(fd);
}

static void hold_given(struct end *end, const struct scenario *s, void *us) { hold(end, s, *(int64_t *)us); }

static void hold_for(const struct scenario *s, int64_t us) {
  static int turn;
  if (turn++ % 2 == 0) { // of a process that stays, and of one of its own
    struct end end = begin(s);
    hold(&end, s, us);
    finish(&end);
  } else {
    finish_child(start_child(hold_given, s, &us));
  }
}

// From 0.1 to 500 ms, every octave as often as any other.
void lifetime(const struct scenario *s) {
  const int64_t us = (int64_t)((100 << lrand48() % 13) * (1 + drand48()));
  hold_for(s, us < 500000 ? us : 500000);
}

void lifetime_long(const struct scenario *s) { hold_for(s, 100000 + (int64_t)(400000 * drand48())); }

static void talk(struct end *ends, const int *fds, int count, int rounds) {
  for (int round = 0; round < rounds; round++) {
    if (round > 0) sleep_us(500000);
    for (int i = 0; i < count; i++) {
      ends[i].more = round < rounds - 1;
      ask(fds[i], &ends[i], OCTETS, ANSWER);
    }
  }
  for (int i = 0; i < count; i++) {
    close(fds[i]);
    finish(&ends[i]);
  }
}

void controls(const struct scenario *s) {
  int fds[CONTROLS];
  struct end ends[CONTROLS];
  for (int i = 0; i < CONTROLS; i++) {
    ends[i] = begin(s);
    fds[i] = open_connected(s);
    note_ends(fds[i], &ends[i]);
  }
  talk(ends, fds, CONTROLS, 7);
}

// Opens its connections, says so, and uses them when it is told.
void old_connections(const struct scenario *s, int opened, int go) {
  int fds[OLD];
  struct end ends[OLD];
  char byte = 0;
  for (int i = 0; i < OLD; i++) fds[i] = open_connected(s);
  if (write(opened, &byte, 1) != 1 || read(go, &byte, 1) < 0) die("old connections");
  for (int i = 0; i < OLD; i++) {
    ends[i] = begin(s);
    note_ends(fds[i], &ends[i]);
  }
  talk(ends, fds, OLD, 3);
}
