// Who acts on a socket becomes its owner: struct sock as tracing programs see it, and the rules.
#ifndef PCAPID_BPF_USE_H
#define PCAPID_BPF_USE_H

#include "owner.h"

// Reads a member of a kernel struct. The offset is a constant to the verifier, which checks the access against the
// kernel's BTF; a bad pointer reads as 0.
#define MEMBER(type, base, offset) (*(type *)((char *)(base) + layout.offset))
#define POINTER(base, offset) MEMBER(void *, base, offset)

INLINE bool is_inet(const void *sock) {
  uint16_t family = MEMBER(uint16_t, sock, sock_family);
  return family == AF_INET || family == AF_INET6;
}

// The helper makes the number when there is none yet.
INLINE uint64_t cookie_of(const void *sock) {
  uint64_t cookie = MEMBER(uint64_t, sock, sock_cookie);
  return cookie ? cookie : bpf_get_socket_cookie(sock);
}

INLINE uint64_t net_cookie_of(const void *net) { return layout.net_cookie ? MEMBER(uint64_t, net, net_cookie) : 0; }

INLINE void set_netns(struct owner *owner, const void *sock) {
  const void *net = POINTER(sock, sock_net);
  owner->netns_cookie = net_cookie_of(net);
  owner->netns_inode = MEMBER(uint32_t, net, net_inode);
}

INLINE bool is_v4_mapped(const union ip_address *address) {
  return address->halves[0] == 0 && address->words[2] == BIG_ENDIAN_32(0xffff);
}

// The caller has zeroed the key.
INLINE void read_sock_key(const void *sock, struct socket_key *key) {
  key->family = MEMBER(uint16_t, sock, sock_family);
  key->protocol = MEMBER(uint16_t, sock, sock_protocol);  // IPPROTO_MPTCP, 262, becomes 6, which its packets have
  if (MEMBER(uint16_t, sock, sock_type) != SOCK_RAW) {  // there its number is the protocol
    key->local_port = BIG_ENDIAN_16(MEMBER(uint16_t, sock, sock_local_port));
    key->remote_port = MEMBER(uint16_t, sock, sock_remote_port);
  }
  if (key->family == AF_INET6 && layout.sock_local_v6) {
    key->local = MEMBER(union ip_address, sock, sock_local_v6);
    key->remote = MEMBER(union ip_address, sock, sock_remote_v6);
    if (!is_v4_mapped(&key->remote) && !is_v4_mapped(&key->local)) return;
    // Its packets are IPv4. Unconnected or not bound: that end is zero in both forms.
    uint32_t local = key->local.words[3], remote = key->remote.words[3];
    __builtin_memset(key, 0, 2 * sizeof(union ip_address));
    key->family = AF_INET;
    key->local.v4 = local;
    key->remote.v4 = remote;
    return;
  }
  key->local.v4 = MEMBER(uint32_t, sock, sock_local_v4);
  key->remote.v4 = MEMBER(uint32_t, sock, sock_remote_v4);
}

// What went over before the present call, as a sequence number: that of the octet behind it less what the call moved.
INLINE uint32_t sequence_before(const void *sock, uint32_t octets, uint32_t flags) {
  uint32_t offset = flags & SOCKET_SENT_FROM ? layout.tcp_sent : layout.tcp_received;
  return read_u32((uint64_t)sock, offset) - octets;  // behind struct sock, which is all that the verifier knows of it
}

INLINE bool is_tcp_sock(const void *sock) {
  return MEMBER(uint16_t, sock, sock_protocol) == PROTOCOL_TCP && MEMBER(uint16_t, sock, sock_type) == SOCK_STREAM;
}

// False when the ring has no room. `octets`: that the process moved, with SOCKET_SENT_FROM or SOCKET_RECEIVED_FROM.
INLINE bool tell_sock(const void *sock, uint32_t kind, struct owner *owner, uint32_t previous, uint32_t flags,
                      uint32_t octets) {
  struct socket_event *event = start_event(kind, cookie_of(sock));
  if (!event) return false;
  read_sock_key(sock, &event->key);
  put_owner(event, owner);
  event->key.previous = previous;
  event->flags |= flags;
  if (flags & (SOCKET_SENT_FROM | SOCKET_RECEIVED_FROM)) event->sequence = sequence_before(sock, octets, flags);
  event->ifindex = MEMBER(uint32_t, sock, sock_bound_ifindex);
  submit(event);
  return true;
}

// A socket that no process can have (NFS, iSCSI), or a kernel thread at work on one that was given to it (nfsd).
INLINE bool is_kernels(const void *sock, const void *task) {
  const void *socket = POINTER(sock, sock_socket);
  if (!socket || !POINTER(socket, socket_file)) return true;
  return MEMBER(uint32_t, task, task_flags) & PF_KTHREAD;
}

// The current process sent or received something (EVIDENCE_TRANSFER), which makes it the owner; or it read the end of
// a stream or looked ahead (EVIDENCE_CALLED), which counts only against weaker evidence. `way`: SOCKET_SENT_FROM or
// SOCKET_RECEIVED_FROM.
INLINE void on_transfer(const void *sock, uint32_t evidence, uint32_t way, uint32_t octets) {
  if (!is_inet(sock)) return;
  struct owner *owner = owner_of(cookie_of(sock));
  if (!owner) return;
  uint32_t before = owner->evidence, previous = EVIDENCE_NONE, flags = 0;
  if (owner->pid == current_pid()) {
    if (before >= evidence) return;
    raise_evidence(owner, evidence);
    // What is better than the call before it is told with the first packet.
    if (evidence != EVIDENCE_TRANSFER || before == EVIDENCE_CALLED) return;
  } else {
    if (evidence != EVIDENCE_TRANSFER && before >= evidence) return;
    const void *task = bpf_get_current_task_btf();
    bool kernels = is_kernels(sock, task);
    if (kernels && (owner->flags & SOCKET_KERNEL)) return;
    if (before != EVIDENCE_NONE && !may_change(owner)) return;
    previous = before;
    if (previous == EVIDENCE_TRANSFER && layout.tcp_sent && is_tcp_sock(sock)) flags = way;
    set_netns(owner, sock);
    if (kernels) set_kernel(owner);
    else set_current(owner, evidence, MEMBER(uint64_t, POINTER(task, task_leader), task_start));
  }
  if (tell_sock(sock, SOCKET_OWNER, owner, previous, flags, octets)) return;
  owner->evidence = EVIDENCE_STATE;  // so that the next transfer tells it
}

// listen() was called.
INLINE void on_listen(const void *sock) {
  struct owner *owner = owner_of(cookie_of(sock));
  if (!owner) return;
  set_netns(owner, sock);
  tell_sock(sock, SOCKET_OWNER, owner, EVIDENCE_NONE, SOCKET_LISTENS, 0);
}

// A connection was made by the other side. Nobody has it yet: this is softirq context.
INLINE void on_accepted(const void *sock) {
  uint64_t cookie = cookie_of(sock);
  struct owner owner = {.cookie = cookie, .flags = OWNER_TOLD};
  set_netns(&owner, sock);
  read_sock_key(sock, &owner.first);
  if (bpf_map_update_elem(&owners, &cookie, &owner, BPF_NOEXIST)) return;  // TCP Fast Open: it is in use already
  tell_sock(sock, SOCKET_SEEN, &owner, EVIDENCE_NONE, 0, 0);
}

#endif
