// What every part of the workload uses: ends of sockets with their true owners, and the log of them.
#pragma once
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdint.h>
#include <sys/types.h>

// One end of a socket as the process that used it saw it. Children send it to their parent through a pipe.
struct end {
  uint32_t scenario; // index in scenarios[]
  int protocol;      // IPPROTO_TCP, IPPROTO_UDP
  struct sockaddr_in6 local, remote; // IPv4 as ::ffff:a.b.c.d
  pid_t pid;         // who sent and received
  pid_t other;       // its parent, or who made the socket: naming that one would be wrong; 0: nobody
  long long start_ticks;
  int64_t from_us, to_us; // microseconds since the epoch: before the first packet, after the close
  int64_t sent, received; // octets of payload
  int serving;            // the end that was asked
  int more;               // the next message is not the last one of this socket
};

// Stands before the payload of a client: the server learns from it what its row in the log has to say.
struct message {
  uint32_t scenario;
  uint32_t octets; // of the message, this header included
  uint32_t answer; // octets wanted back
  uint32_t last;   // UDP: log the end now
  int64_t from_us;
  int64_t received_before, sent_before; // UDP: what the server got and gave on this tuple until now
};

enum place { Here, Far, Container, Outside, PLACES };

struct server {
  void (*run)(const struct server *, int ready); // says its port by announce(), never returns
  const char *host;    // address that clients use; NULL: that of its place
  const char *bind_to; // NULL: the same
  int protocol;
  enum place place;
  int port;
};

struct scenario {
  const char *name;
  const char *set; // "short": below a millisecond as long as nobody is in the way; "held"
  int protocol;    // IPPROTO_TCP, IPPROTO_UDP
  void (*once)(const struct scenario *);
  int server;       // index in servers[]
  const char *host; // address to contact, NULL: that of the server
  enum place place; // of the client
};

extern struct server servers[];
extern const struct scenario scenarios[];
extern const char *netns_path[PLACES]; // NULL: that place does not exist in this run
extern const char *place_host[PLACES]; // address of a place on its veth
extern int log_fd;
extern int first_port; // of the servers

int64_t now_us(void);
void sleep_us(int64_t us);
_Noreturn void die(const char *what);
void enter(enum place place);
void end_with_parent(void);

socklen_t to_sockaddr(const char *host, int port, struct sockaddr_storage *out);
void note_ends(int fd, struct end *end);
void note_remote(struct end *end, const struct sockaddr_storage *remote);
struct end begin(const struct scenario *s);
void finish(struct end *end); // by the process itself, after the close

struct child { pid_t pid; int pipe; };
struct child start_child(void (*act)(struct end *, const struct scenario *, void *), const struct scenario *s, void *arg);
void finish_child(struct child child);
