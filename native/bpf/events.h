// What the BPF programs report, byte for byte: read by src/linux/bpf-events.ts at the offsets in the comments, little
// endian. Padding is explicit and zero. Changing a struct means raising kAbiVersion (native/abi.h).
//
// Times are nanoseconds of CLOCK_BOOTTIME. start_ns is when the process (its thread group leader) started: divided by
// 10,000,000 and rounded down it is field 22 of /proc/PID/stat. pid is the thread group id in the initial pid
// namespace. Text is as the kernel has it: any bytes, comm ends at the first NUL. 0 is "not known" everywhere, but for
// uids, which have NO_UID.
#ifndef PCAPID_BPF_EVENTS_H
#define PCAPID_BPF_EVENTS_H

#ifndef __cplusplus
#define static_assert _Static_assert
#endif

#include <stddef.h>
#include <stdint.h>

#define NO_UID 0xffffffffu

// How a process came to be known as the one behind a socket, weakest first; OwnerEvidence in src/core/socket.ts.
enum owner_evidence {
  EVIDENCE_NONE = 0,
  EVIDENCE_STATE = 1,     // changed the TCP state: a parent may close what its child used
  EVIDENCE_SNAPSHOT = 2,  // held a descriptor when all were listed
  EVIDENCE_CREATED = 3,   // called socket()
  EVIDENCE_CALLED = 4,    // called connect() or an unconnected sendto(), or read the end of a stream
  EVIDENCE_TRANSFER = 5,  // sent or received
};

union ip_address {
  uint32_t v4;  // network byte order, the rest is zero
  uint32_t words[4];
  uint64_t halves[2];
};

// The tuple as the socket or the packet has it, with ports in network byte order. A socket that talks IPv4 through
// IPv6 (::ffff:a.b.c.d) has family 2. ICMP echo: the id is the port of the end that asks. Raw sockets have no ports.
struct socket_key {
  union ip_address local;   //  0
  union ip_address remote;  // 16
  uint16_t local_port;      // 32
  uint16_t remote_port;     // 34
  uint8_t protocol;         // 36
  uint8_t family;           // 37: AF_INET 2, AF_INET6 10
  uint8_t evidence;         // 38: owner_evidence for pid; in a snapshot the state (TCP_LISTEN 10 ...)
  uint8_t previous;         // 39: SOCKET_OWNER: evidence of another process before; 0: none, or the same
};
static_assert(sizeof(struct socket_key) == 40, "");

enum socket_event_kind {  // SocketEvent in src/core/socket.ts
  SOCKET_SEEN = 1,        // the first packet of this socket on this tuple, or a connection that was just made to a
                          // listener; the owner is what was known at that moment. A tuple may be told again
  SOCKET_OWNER = 2,       // another process acts on it, or better evidence came for the same one, or it listens now
  SOCKET_CLOSED = 3,      // its last descriptor was closed: only kind, time and cookie are set
};

enum socket_flags {
  SOCKET_OUTGOING = 1,  // SOCKET_SEEN: the socket sent this packet
  SOCKET_LISTENS = 2,   // SOCKET_OWNER: it is a TCP listener from now on
  SOCKET_SHARED = 4,    // several processes take turns on it: no more changes of owner are told in this second;
                        // with EVIDENCE_SNAPSHOT: several processes hold it and none was seen to act
  SOCKET_KERNEL = 8,    // the kernel itself uses it (NFS, iSCSI ...); pid is 0
  // SOCKET_OWNER of a TCP socket that another process used before: `sequence` is where the first octets begin that
  // this one sent, or received.
  SOCKET_SENT_FROM = 16,
  SOCKET_RECEIVED_FROM = 32,
};

// A record of the ring "sockets".
struct socket_event {
  uint32_t kind;           //   0: socket_event_kind
  uint32_t pid;            //   4
  uint64_t time_ns;        //   8
  uint64_t cookie;         //  16: SO_COOKIE
  uint64_t netns_cookie;   //  24: SO_NETNS_COOKIE
  uint64_t cgroup_id;      //  32: of the process, without one of the socket; inode number in the unified hierarchy
  uint64_t start_ns;       //  40
  struct socket_key key;   //  48: ends 48 and 64, ports 80 and 82, protocol 84, family 85, evidence 86, previous 87
  uint32_t uid;            //  88: of the process
  uint32_t netns_inode;    //  92
  uint32_t flags;          //  96: socket_flags
  uint32_t ifindex;        // 100: of the packet; without one SO_BINDTODEVICE, which link-local connections have as well
  uint32_t sequence;       // 104: of TCP, with SOCKET_SENT_FROM or SOCKET_RECEIVED_FROM
  uint32_t zero;           // 108
};
static_assert(sizeof(struct socket_event) == 112, "");

// A socket in the hands of a process: what bpfSnapshot() lists.
struct snapshot_record {
  uint32_t pid;           //   0
  uint32_t uid;           //   4
  uint64_t start_ns;      //   8
  uint64_t cookie;        //  16
  uint64_t netns_cookie;  //  24
  uint64_t cgroup_id;     //  32
  uint64_t inode;         //  40: N of socket:[N]
  struct socket_key key;  //  48: as above, but at 86 the state
  uint32_t fd;            //  88
  uint32_t netns_inode;   //  92
  uint32_t socket_uid;    //  96: who made it
  uint32_t ifindex;       // 100: SO_BINDTODEVICE
};
static_assert(sizeof(struct snapshot_record) == 104, "");

enum process_event_kind {
  PROCESS_FORKED = 1,  // a new process, not a thread
  PROCESS_EXECUTED = 2,
  PROCESS_ENDED = 3,  // its last thread ends; in rare races reported twice
};

enum process_flags {
  PROCESS_EXE_CUT = 1,    // the path is longer: exe is empty
  PROCESS_ARGV_CUT = 2,   // there are more words than fit
  PROCESS_EXE_ASKED = 4,  // exe is the file name that execve() was called with, possibly relative
};

enum { EXE_BYTES = 4096, ARGV_BYTES = 4096 };

// A record of the ring "processes": this header, then exe_length octets of path and argv_length octets of words, each
// word ended by NUL as in /proc/PID/cmdline. Both lengths are 0 but for PROCESS_EXECUTED.
struct process_event {
  uint32_t kind;             //  0: process_event_kind
  uint32_t pid;              //  4
  uint64_t time_ns;          //  8
  uint64_t start_ns;         // 16
  uint64_t parent_start_ns;  // 24
  uint64_t cgroup_id;        // 32
  uint32_t parent_pid;       // 40
  uint32_t uid;              // 44: real uid
  uint32_t netns_inode;      // 48
  uint32_t exit_code;        // 52: PROCESS_ENDED: as wait(2) gives it, signal in the low 7 bits
  uint16_t flags;            // 56: process_flags
  uint16_t exe_length;       // 58
  uint32_t argv_length;      // 60
  char comm[16];             // 64: of the first thread, as /proc/PID/comm has it
};
static_assert(sizeof(struct process_event) == 80, "");

// Index in the map "lost": events for which their ring had no room, since the start.
enum lost_ring { LOST_SOCKETS, LOST_PROCESSES, LOST_RINGS };

#endif
