// What the loader (native/bpf_layout.cc, native/bpf_handle.cc) and the BPF programs share besides the events: the maps'
// keys and values, and where the running kernel has the members that the programs read.
#ifndef PCAPID_BPF_LAYOUT_H
#define PCAPID_BPF_LAYOUT_H

#include "events.h"

// Value of the map "owners", key: the socket's cookie. The memory of an old entry goes to a new one while another CPU
// may still read it, so `cookie` is written first and read last.
struct owner {
  uint64_t cookie;
  uint64_t start_ns, cgroup_id, netns_cookie;
  uint32_t pid;  // 0 while the rest changes
  uint32_t uid, netns_inode;
  uint32_t flags;           // socket_flags, OWNER_TOLD
  uint32_t changes, epoch;  // changes of owner that were told since `epoch` began
  uint8_t evidence;         // owner_evidence
  uint8_t zero[7];
  struct socket_key first;  // the tuple of its first packet; family 0: there was none
};
static_assert(sizeof(struct owner) == 104, "");

enum { OWNER_TOLD = 1 << 8 };      // an event of this socket went out, so its end is told as well
enum { OWNER_CHANGES_TOLD = 64 };  // in an epoch: workers that share a socket must not flood the ring
enum { OWNER_EPOCH_SHIFT = 30 };   // nanoseconds to epochs of 1.07 s

// Value of the array "seen": hashes of further tuples of sockets that talk to many. The index is a part of the hash. A
// tuple that is forgotten for another one is told once more, which says nothing new.
enum { SEEN_WAYS = 8 };
struct seen_set {
  uint64_t hash[SEEN_WAYS];
};

// Value of the array "namespaces": the inode of a network namespace, at its cookie modulo NETNS_SLOTS.
enum { NETNS_SLOTS = 4096 };
struct netns_number {
  volatile uint64_t cookie;  // 0 while the inode changes
  volatile uint64_t inode;
};

// Value of the per-CPU array "scratch_area": where the event of an executed program is put together. Its words may begin
// anywhere below EXE_BYTES and be ARGV_BYTES long: the verifier knows only both bounds.
struct scratch {
  struct process_event event;
  char text[EXE_BYTES + ARGV_BYTES];
  char path[EXE_BYTES + 256];  // filled from its end: a path is walked from the leaf
  struct path_walk {
    uint64_t dentry, mount;
    uint32_t begin, zero;  // of the path
  } walk;
};

// The object's .rodata, filled and frozen before the programs are loaded: to the verifier these are constants, so
// accesses are checked like written-out members and code behind a 0 is left out. Byte offsets of struct members, from
// the kernel's BTF; of no meaning on a kernel without, where bpf_probe_read_kernel is dropped.
struct kernel_layout {
  uint64_t seed;       // of the hashes in "seen": nobody outside can make two tuples collide
  uint32_t seen_sets;  // a power of two
  uint32_t socket_ring_bytes, process_ring_bytes;
  uint32_t tcp_is_traced;  // set_state tells of accepted connections, so only the first packet of others is looked at
  // struct sock, struct socket
  uint32_t sock_family, sock_type, sock_protocol, sock_state, sock_local_port, sock_remote_port;
  uint32_t sock_local_v4, sock_remote_v4, sock_bound_ifindex, sock_net, sock_socket, sock_cookie;
  uint32_t sock_local_v6, sock_remote_v6;  // 0: a kernel without CONFIG_IPV6
  uint32_t sock_uid;                       // 0: no such member
  uint32_t tcp_sent, tcp_received;  // sequence numbers in struct tcp_sock; 0: not known
  uint32_t socket_sk, socket_file;
  uint32_t net_inode;   // of struct net, in its ns_common
  uint32_t net_cookie;  // 0: before Linux 5.12
  uint32_t file_inode, inode_number, iter_meta_seq;
  // struct task_struct and what hangs on it
  uint32_t task_pid, task_tgid, task_comm, task_flags, task_leader, task_start, task_parent, task_cred, cred_uid;
  uint32_t task_nsproxy, nsproxy_net, task_cgroups, css_set_cgroup, cgroup_node, node_id;
  uint32_t task_exit_code, task_signal, signal_live, signal_flags, signal_exit_code;
  // the path of an executed file
  uint32_t task_mm, mm_exe_file, mm_arg_start, mm_arg_end, binprm_filename;
  uint32_t file_mount, file_dentry, dentry_parent, dentry_name, vfsmount_root;
  uint32_t mount_vfsmount, mount_parent, mount_point;  // struct mount, which has a struct vfsmount inside
};

#endif
