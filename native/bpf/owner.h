// The process behind a socket: what is kept with the socket, and the events that tell it.
#ifndef PCAPID_BPF_OWNER_H
#define PCAPID_BPF_OWNER_H

#include "kernel.h"
#include "layout.h"

extern struct bpf_map owners, namespaces, sockets, lost;

const volatile struct kernel_layout layout = {};

enum { PF_KTHREAD = 0x00200000 };

INLINE void count_lost(uint32_t ring) {
  uint64_t *count = bpf_map_lookup_elem(&lost, &ring);
  if (count) __sync_fetch_and_add(count, 1);
}

// Readers come by themselves; they are woken when the ring is more than a quarter full. One event in sixteen looks: a
// helper costs about 40 ns (measured).
INLINE uint64_t wake_flag(struct bpf_map *ring, uint32_t ring_bytes, uint64_t time_ns) {
  if (time_ns & 0xf00) return BPF_RB_NO_WAKEUP;
  return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) > ring_bytes / 4 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

INLINE struct owner *known_owner(uint64_t cookie) { return bpf_map_lookup_elem(&owners, &cookie); }

// Null when another CPU took the place at once.
INLINE struct owner *owner_of(uint64_t cookie) {
  struct owner *known = known_owner(cookie);
  if (known) return known;
  const struct owner nobody = {.cookie = cookie};
  bpf_map_update_elem(&owners, &cookie, &nobody, BPF_NOEXIST);
  return known_owner(cookie);
}

INLINE uint32_t current_pid(void) { return bpf_get_current_pid_tgid() >> 32; }

// Reads through a pointer that may be bad. 0 then, and when reading is refused (no CAP_PERFMON).
INLINE uint64_t read_pointer(uint64_t base, uint32_t offset) {
  uint64_t value = 0;
  bpf_probe_read_kernel(&value, sizeof value, base + offset);
  return value;
}

INLINE uint32_t read_u32(uint64_t base, uint32_t offset) {
  uint32_t value = 0;
  bpf_probe_read_kernel(&value, sizeof value, base + offset);
  return value;
}

INLINE bool is_kernel_thread(void) { return read_u32(bpf_get_current_task(), layout.task_flags) & PF_KTHREAD; }

INLINE void put_pid(struct owner *owner, uint32_t pid) { *(volatile uint32_t *)&owner->pid = pid; }

// When the current process started; 0 without CAP_PERFMON.
INLINE uint64_t current_start_ns(void) {
  uint64_t task = bpf_get_current_task(), pid_tgid = bpf_get_current_pid_tgid();
  if ((uint32_t)pid_tgid != pid_tgid >> 32) task = read_pointer(task, layout.task_leader);
  return read_pointer(task, layout.task_start);
}

INLINE void set_current(struct owner *owner, uint32_t evidence, uint64_t start_ns) {
  put_pid(owner, 0);
  owner->uid = bpf_get_current_uid_gid();
  owner->cgroup_id = bpf_get_current_cgroup_id();
  owner->start_ns = start_ns;
  owner->evidence = evidence;
  owner->flags &= ~SOCKET_KERNEL;
  put_pid(owner, current_pid());
}

INLINE void set_kernel(struct owner *owner) {
  put_pid(owner, 0);
  owner->flags |= SOCKET_KERNEL;
  owner->evidence = EVIDENCE_NONE;
}

// The owner acts: whoever else holds the socket, this is the one.
INLINE void raise_evidence(struct owner *owner, uint32_t evidence) {
  if (owner->evidence == EVIDENCE_SNAPSHOT) owner->flags &= ~SOCKET_SHARED;
  owner->evidence = evidence;
}

// A change of owner. False when this epoch's events of the socket are spent; then the change is not even noted.
INLINE bool may_change(struct owner *owner) {
  uint32_t epoch = bpf_ktime_get_boot_ns() >> OWNER_EPOCH_SHIFT;
  if (owner->epoch != epoch) {
    owner->epoch = epoch;
    owner->changes = 0;
    owner->flags &= ~SOCKET_SHARED;
  }
  if (owner->changes >= OWNER_CHANGES_TOLD) return false;
  if (++owner->changes == OWNER_CHANGES_TOLD) owner->flags |= SOCKET_SHARED;
  return true;
}

// Namespaces are told by cookie and by inode; the inode of a cookie never changes.
INLINE struct netns_number *netns_slot(uint64_t cookie) {
  uint32_t index = cookie & (NETNS_SLOTS - 1);
  return bpf_map_lookup_elem(&namespaces, &index);
}

INLINE uint32_t known_netns_inode(uint64_t cookie) {
  struct netns_number *slot = netns_slot(cookie);
  return slot && slot->cookie == cookie ? slot->inode : 0;
}

INLINE void note_netns(uint64_t cookie, uint32_t inode) {
  struct netns_number *slot = cookie && inode ? netns_slot(cookie) : 0;
  if (!slot || slot->cookie == cookie) return;
  slot->cookie = 0;  // nobody may read half of it
  slot->inode = inode;
  slot->cookie = cookie;
}

// Of the process that makes a socket, so also of the socket: only there the two belong together.
INLINE uint32_t current_netns_inode(uint64_t cookie) {
  uint32_t known = known_netns_inode(cookie);
  if (known) return known;
  uint64_t nsproxy = read_pointer(bpf_get_current_task(), layout.task_nsproxy);
  uint32_t inode = read_u32(read_pointer(nsproxy, layout.nsproxy_net), layout.net_inode);
  note_netns(cookie, inode);
  return inode;
}

// Returns null when the ring has no room.
INLINE struct socket_event *start_event(uint32_t kind, uint64_t cookie) {
  struct socket_event *event = bpf_ringbuf_reserve(&sockets, sizeof *event, 0);
  if (!event) {
    count_lost(LOST_SOCKETS);
    return 0;
  }
  __builtin_memset(event, 0, sizeof *event);
  event->kind = kind;
  event->time_ns = bpf_ktime_get_boot_ns();
  event->cookie = cookie;
  return event;
}

INLINE void submit(struct socket_event *event) {
  bpf_ringbuf_submit(event, wake_flag(&sockets, layout.socket_ring_bytes, event->time_ns));
}

INLINE void put_owner(struct socket_event *event, struct owner *owner) {
  uint32_t pid = *(volatile uint32_t *)&owner->pid;
  owner->flags |= OWNER_TOLD;
  event->netns_cookie = owner->netns_cookie;
  event->netns_inode = owner->netns_inode;
  event->cgroup_id = owner->cgroup_id;
  event->flags |= owner->flags & (SOCKET_SHARED | SOCKET_KERNEL);
  event->start_ns = owner->start_ns;
  event->key.evidence = owner->evidence;
  event->uid = owner->uid;
  event->pid = pid;
  bool same = *(volatile uint32_t *)&owner->pid == pid && *(volatile uint64_t *)&owner->cookie == event->cookie;
  if (pid && same) return;
  event->pid = 0;  // nobody; or it is just changing, then an event of the change follows
  event->start_ns = 0;
  event->key.evidence = EVIDENCE_NONE;
  event->uid = NO_UID;
}

#endif
