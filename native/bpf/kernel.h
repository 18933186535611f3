// The part of the kernel's BPF interface that the programs use. Helper numbers and context layouts are kernel ABI
// (linux/bpf.h); written out here so that the build needs clang only and its result does not depend on headers.
#ifndef PCAPID_BPF_KERNEL_H
#define PCAPID_BPF_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))

// Keeps the variable in memory. Split into registers it would be spilled in pieces, over places where pointers were
// spilled before, which is refused without CAP_PERFMON.
#define KEEP_IN_MEMORY(variable) __asm__ volatile("" : : "r"(&(variable)) : "memory")

#define BIG_ENDIAN_16(value) __builtin_bswap16(value)
#define BIG_ENDIAN_32(value) __builtin_bswap32(value)

enum { AF_INET = 2, AF_INET6 = 10 };
enum { SOCK_STREAM = 1, SOCK_RAW = 3 };
enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_ICMP6 = 58, PROTOCOL_SCTP = 132 };
enum { PROTOCOL_UDPLITE = 136 };
enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT = 2, TCP_SYN_RECV = 3, TCP_CLOSE = 7, TCP_LISTEN = 10 };

enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2, BPF_RB_AVAIL_DATA = 0 };

struct bpf_map;   // opaque: the loader makes the maps and puts them in by symbol name
struct seq_file;  // opaque kernel types: members are read at offsets from struct kernel_layout
struct socket;

struct bpf_sock {
  uint32_t bound_dev_if, family, type, protocol, mark, priority;
  uint32_t src_ip4, src_ip6[4], src_port;
  uint16_t dst_port, zero;
  uint32_t dst_ip4, dst_ip6[4];
  uint32_t state;
};

struct __sk_buff {
  uint32_t len, pkt_type, mark, queue_mapping, protocol;
  uint32_t vlan[3], priority, ingress_ifindex, ifindex;
  uint32_t unused[8], data, data_end;
  uint32_t unused_too[21];
  struct bpf_sock *sk;
};
_Static_assert(__builtin_offsetof(struct __sk_buff, sk) == 168, "as in linux/bpf.h");

struct bpf_iter__task_file {
  const void *meta;
  const void *task;
  uint32_t fd, unused;
  const void *file;
};

static void *(*const bpf_map_lookup_elem)(struct bpf_map *, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(struct bpf_map *, const void *key, const void *value,
                                         uint64_t flags) = (void *)2;
static uint64_t (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static uint64_t (*const bpf_get_current_uid_gid)(void) = (void *)15;
static long (*const bpf_skb_load_bytes)(const void *skb, uint32_t offset, void *to, uint32_t size) = (void *)26;
static uint64_t (*const bpf_get_current_task)(void) = (void *)35;
static uint64_t (*const bpf_get_socket_cookie)(const void *context_or_sock) = (void *)46;
static uint64_t (*const bpf_skb_cgroup_id)(struct __sk_buff *) = (void *)79;
static uint64_t (*const bpf_get_current_cgroup_id)(void) = (void *)80;
static struct bpf_sock *(*const bpf_sk_fullsock)(struct bpf_sock *) = (void *)95;
static long (*const bpf_probe_read_user)(void *to, uint32_t size, uint64_t from) = (void *)112;
static long (*const bpf_probe_read_kernel)(void *to, uint32_t size, uint64_t from) = (void *)113;
static long (*const bpf_probe_read_kernel_str)(void *to, uint32_t size, uint64_t from) = (void *)115;
static uint64_t (*const bpf_get_netns_cookie)(const void *context) = (void *)122;
static uint64_t (*const bpf_ktime_get_boot_ns)(void) = (void *)125;
static long (*const bpf_seq_write)(struct seq_file *, const void *, uint32_t size) = (void *)127;
static long (*const bpf_ringbuf_output)(struct bpf_map *, const void *, uint64_t size, uint64_t flags) = (void *)130;
static void *(*const bpf_ringbuf_reserve)(struct bpf_map *, uint64_t size, uint64_t flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *record, uint64_t flags) = (void *)132;
static uint64_t (*const bpf_ringbuf_query)(struct bpf_map *, uint64_t what) = (void *)134;
static const void *(*const bpf_get_current_task_btf)(void) = (void *)158;
static struct socket *(*const bpf_sock_from_file)(const void *file) = (void *)162;

#endif
