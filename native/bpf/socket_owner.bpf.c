// Which process owns which socket, which packets are the first of a socket on a tuple, and which processes there are.
//
//   map "owners"        socket cookie -> struct owner, LRU
//   array "seen"        further tuples of sockets with many peers
//   array "namespaces"  network namespace cookie -> inode
//   ring "sockets"      struct socket_event
//   ring "processes"    struct process_event
//   array "lost"        events that found no room, by ring
//
// A packet tells its socket, never a process: cgroup_skb often runs in softirq context, where the current process is an
// accident. Processes come from the hooks that do run in the caller's context; the socket's cookie joins both.
//
// The loader may replace calls of helpers that a kernel or a missing capability refuses by the value 0 (BpfHelper in
// native/bpf_program.h), so the programs must work with that result. Programs of cgroups return 1: 0 would forbid.

#include "kernel.h"
#include "layout.h"
#include "owner.h"
#include "packet.h"
#include "process.h"
#include "use.h"

// ---- calls on sockets, in the context of the caller ----

SEC("cgroup/sock_create")
int sock_create(void *context) {
  uint64_t cookie = bpf_get_socket_cookie(context);
  struct owner owner = {.cookie = cookie};
  owner.netns_cookie = bpf_get_netns_cookie(context);
  owner.netns_inode = current_netns_inode(owner.netns_cookie);
  set_current(&owner, EVIDENCE_CREATED, current_start_ns());
  bpf_map_update_elem(&owners, &cookie, &owner, BPF_ANY);
  return 1;
}

INLINE void tell_change(struct owner *owner, uint64_t cookie, uint32_t previous) {
  struct socket_event *event = start_event(SOCKET_OWNER, cookie);
  if (!event) return;
  event->key = owner->first;
  put_owner(event, owner);
  event->key.previous = previous;
  submit(event);
}

// The user of a socket that another process may have created or used before. The first packet tells it, unless there
// was one before.
INLINE void on_call(void *context, bool connects) {
  uint64_t cookie = bpf_get_socket_cookie(context);
  struct owner *owner = owner_of(cookie);
  if (!owner) return;
  if (connects) owner->first.family = 0;  // it may get another tuple
  uint32_t previous = owner->evidence;
  if (owner->pid == current_pid()) {
    if (previous < EVIDENCE_CALLED) raise_evidence(owner, EVIDENCE_CALLED);
    return;
  }
  if (is_kernel_thread() || !may_change(owner)) return;
  if (!owner->netns_inode) {
    owner->netns_cookie = bpf_get_netns_cookie(context);
    owner->netns_inode = known_netns_inode(owner->netns_cookie);
  }
  set_current(owner, EVIDENCE_CALLED, current_start_ns());
  if (owner->first.family) tell_change(owner, cookie, previous);
}

SEC("cgroup/connect")
int call_connect(void *context) {
  on_call(context, true);
  return 1;
}

SEC("cgroup/sendmsg")
int call_sendmsg(void *context) {
  on_call(context, false);
  return 1;
}

SEC("cgroup/sock_release")
int sock_release(void *context) {
  uint64_t cookie = bpf_get_socket_cookie(context);
  struct owner *owner = known_owner(cookie);
  if (owner && !(owner->flags & OWNER_TOLD)) return 1;
  bool unnamed = owner && owner->evidence == EVIDENCE_NONE && !(owner->flags & SOCKET_KERNEL);
  if (unnamed && owner->first.family && !is_kernel_thread()) {
    // Accepted and never used: all that is known is who closes it.
    set_current(owner, EVIDENCE_STATE, current_start_ns());
    tell_change(owner, cookie, EVIDENCE_NONE);
  }
  struct socket_event *event = start_event(SOCKET_CLOSED, cookie);
  if (event) submit(event);
  return 1;
}

// ---- tracepoints: the process that really uses the socket ----

enum { MSG_PEEK = 2 };

// sock_send_length and sock_recv_length (Linux 6.3); arguments: sock, result, flags.
INLINE void on_call_end(const uint64_t *arguments, uint32_t way) {
  int result = arguments[1], flags = arguments[2];
  if (result < 0) return;
  bool moved = result > 0 && !(flags & MSG_PEEK);
  on_transfer((const void *)arguments[0], moved ? EVIDENCE_TRANSFER : EVIDENCE_CALLED, way, result);
}

SEC("tp_btf/sent")
int sent(const uint64_t *arguments) {
  on_call_end(arguments, SOCKET_SENT_FROM);
  return 0;
}

SEC("tp_btf/received")
int received(const uint64_t *arguments) {
  on_call_end(arguments, SOCKET_RECEIVED_FROM);
  return 0;
}

// inet_sock_set_state; arguments: sock, old state, new state.
SEC("tp_btf/set_state")
int set_state(const uint64_t *arguments) {
  int before = arguments[1], state = arguments[2];
  if (state == TCP_LISTEN) on_listen((const void *)arguments[0]);
  if (state == TCP_ESTABLISHED && before == TCP_SYN_RECV) on_accepted((const void *)arguments[0]);
  return 0;
}

// ---- packets ----

INLINE void set_netns_of_packet(struct owner *owner, struct __sk_buff *skb) {
  owner->netns_cookie = bpf_get_netns_cookie(skb);
  owner->netns_inode = known_netns_inode(owner->netns_cookie);
}

// A raw socket gets copies of what others own. And the kernel has such sockets, one for each CPU, with which it answers
// for ports and connections that nobody has, and echo requests.
INLINE bool is_not_its_own(const struct socket_key *key, bool ingress, const struct owner *owner) {
  if (ingress) return has_ports(key->protocol) || is_icmp(key->protocol);
  return (key->protocol == PROTOCOL_TCP || is_icmp(key->protocol)) && !owner->pid;
}

INLINE void on_packet(struct __sk_buff *skb, bool ingress) {
  struct bpf_sock *any = skb->sk;
  if (!any) return;
  // Only SYNs of clients, and raw sockets.
  if (layout.tcp_is_traced && any->state != TCP_SYN_SENT && any->state != TCP_CLOSE && is_tcp_packet(skb)) return;
  struct bpf_sock *sk = bpf_sk_fullsock(any);
  if (!sk) return;
  bool is_stream = sk->type == SOCK_STREAM, is_tcp = is_stream && sk->protocol == PROTOCOL_TCP;
  if (is_stream && sk->state == TCP_LISTEN) return;  // a connection that is being accepted gets a socket of its own
  uint64_t cookie = bpf_get_socket_cookie(skb);
  struct owner *owner = owner_of(cookie);
  if (!owner || (is_tcp && owner->first.family)) return;  // a connection has one tuple

  struct socket_key key = {};
  KEEP_IN_MEMORY(key);
  if (!read_packet_key(skb, ingress, &key)) return;
  if (same_tuple(&owner->first, &key)) return;
  if (sk->type == SOCK_RAW && is_not_its_own(&key, ingress, owner)) return;
  uint64_t hash = 0;
  if (owner->first.family) {
    hash = hash_tuple(&key, cookie);
    if (is_seen(hash)) return;
  }
  struct socket_event *event = start_event(SOCKET_SEEN, cookie);
  if (!event) return;  // the next packet tries again
  if (owner->first.family) note_seen(hash);
  else owner->first = key;
  if (!owner->netns_inode) set_netns_of_packet(owner, skb);
  if (!owner->cgroup_id) owner->cgroup_id = bpf_skb_cgroup_id(skb);
  event->key = key;
  put_owner(event, owner);
  if (!ingress) event->flags |= SOCKET_OUTGOING;
  event->ifindex = skb->ifindex;
  submit(event);
}

SEC("cgroup_skb/egress")
int skb_egress(struct __sk_buff *skb) {
  on_packet(skb, false);
  return 1;
}

SEC("cgroup_skb/ingress")
int skb_ingress(struct __sk_buff *skb) {
  on_packet(skb, true);
  return 1;
}

// ---- processes; their arguments: parent and child, task and old pid and binprm, task ----

SEC("tp_btf/fork")
int process_fork(const uint64_t *arguments) {
  const void *child = (const void *)arguments[1];
  if (MEMBER(uint32_t, child, task_pid) != MEMBER(uint32_t, child, task_tgid)) return 0;  // a thread
  struct process_event *event = start_process_event(child, PROCESS_FORKED);
  if (event) submit_process(event);
  return 0;
}

SEC("tp_btf/exec")
int process_exec(const uint64_t *arguments) {
  on_exec((const void *)arguments[0], (const void *)arguments[2]);
  return 0;
}

SEC("tp_btf/exit")
int process_exit(const uint64_t *arguments) {
  const void *task = (const void *)arguments[0];
  if (MEMBER(uint32_t, POINTER(task, task_signal), signal_live)) return 0;  // other threads go on
  struct process_event *event = start_process_event(task, PROCESS_ENDED);
  if (!event) return 0;
  event->exit_code = exit_code_of(task);
  submit_process(event);
  return 0;
}

// ---- who holds which socket now, of all namespaces ----

// Several holders and nobody seen acting: the first one found is no more likely than the others.
INLINE void note_holder(const struct snapshot_record *record) {
  struct owner *owner = owner_of(record->cookie);
  if (!owner) return;
  if (owner->evidence == EVIDENCE_SNAPSHOT && owner->pid != record->pid) owner->flags |= SOCKET_SHARED;
  if (owner->evidence != EVIDENCE_NONE) return;
  owner->start_ns = record->start_ns;
  owner->cgroup_id = record->cgroup_id;
  owner->netns_cookie = record->netns_cookie;
  owner->netns_inode = record->netns_inode;
  owner->uid = record->uid;
  owner->evidence = EVIDENCE_SNAPSHOT;
  owner->flags |= OWNER_TOLD;
  put_pid(owner, record->pid);
}

SEC("iter/task_file")
int task_file(const struct bpf_iter__task_file *context) {
  const void *task = context->task, *file = context->file;
  if (!task || !file) return 0;
  const struct socket *socket = bpf_sock_from_file(file);
  if (!socket) return 0;
  const void *sock = POINTER(socket, socket_sk);
  if (!sock || !is_inet(sock)) return 0;

  struct snapshot_record record = {};
  const void *net = POINTER(sock, sock_net);
  record.pid = MEMBER(uint32_t, task, task_tgid);
  record.uid = MEMBER(uint32_t, POINTER(task, task_cred), cred_uid);
  record.start_ns = MEMBER(uint64_t, POINTER(task, task_leader), task_start);
  record.cookie = cookie_of(sock);
  record.netns_cookie = net_cookie_of(net);
  record.netns_inode = MEMBER(uint32_t, net, net_inode);
  record.cgroup_id = cgroup_id_of(task);
  record.inode = MEMBER(uint64_t, POINTER(file, file_inode), inode_number);
  read_sock_key(sock, &record.key);
  record.key.evidence = MEMBER(uint8_t, sock, sock_state);
  record.fd = context->fd;
  record.socket_uid = layout.sock_uid ? MEMBER(uint32_t, sock, sock_uid) : NO_UID;
  record.ifindex = MEMBER(uint32_t, sock, sock_bound_ifindex);
  bpf_seq_write(POINTER(context->meta, iter_meta_seq), &record, sizeof record);
  note_holder(&record);
  note_netns(record.netns_cookie, record.netns_inode);
  return 0;
}
