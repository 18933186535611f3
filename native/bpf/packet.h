// The tuple of a packet as a cgroup_skb program sees it: from its IP header on.
#ifndef PCAPID_BPF_PACKET_H
#define PCAPID_BPF_PACKET_H

#include "kernel.h"
#include "owner.h"

extern struct bpf_map seen;

struct ipv4_header {
  uint8_t version_length, tos;
  uint16_t total_length, id, fragment;
  uint8_t ttl, protocol;
  uint16_t checksum;
  uint32_t source, destination;
};

struct ipv6_header {
  uint32_t version_flow;
  uint16_t payload_length;
  uint8_t next_header, hop_limit;
  union ip_address source, destination;
};

struct transport_header {
  uint16_t source, destination;  // of ICMP: type and code, checksum
  uint16_t echo_id;
};

enum { IPV6_HOP_BY_HOP = 0, IPV6_ROUTING = 43, IPV6_DESTINATION = 60, IPV6_MAX_EXTENSIONS = 4 };
enum { ECHO_REPLY = 0, ECHO_REQUEST = 8, ECHO6_REQUEST = 128, ECHO6_REPLY = 129 };

INLINE bool has_ports(uint8_t protocol) {
  return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == PROTOCOL_SCTP ||
         protocol == PROTOCOL_UDPLITE;
}

INLINE bool is_icmp(uint8_t protocol) { return protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMP6; }

// Reads the front of a packet from itself where it lies in one piece, which spares a helper. Only the front: an offset
// that is not constant is refused without CAP_PERFMON.
INLINE bool read_front(struct __sk_buff *skb, void *to, uint32_t size) {
  const char *from = (const char *)(uint64_t)skb->data;
  if (from + size > (const char *)(uint64_t)skb->data_end) return !bpf_skb_load_bytes(skb, 0, to, size);
  __builtin_memcpy(to, from, size);
  return true;
}

INLINE bool is_tcp_packet(struct __sk_buff *skb) {
  const uint8_t *ip = (const uint8_t *)(uint64_t)skb->data;
  if (ip + 20 > (const uint8_t *)(uint64_t)skb->data_end) return false;
  return (skb->protocol == BIG_ENDIAN_16(0x0800) ? ip[9] : ip[6]) == PROTOCOL_TCP;
}

// As src/decode/icmp.ts: the id stands at the end that asks, other messages have no ports.
INLINE void put_echo_id(struct socket_key *key, const struct transport_header *icmp, bool ingress) {
  uint8_t type = icmp->source & 0xff;
  bool is_6 = key->protocol == PROTOCOL_ICMP6;
  bool asks = type == (is_6 ? ECHO6_REQUEST : ECHO_REQUEST);
  if (!asks && type != (is_6 ? ECHO6_REPLY : ECHO_REPLY)) return;
  if (asks == ingress) key->remote_port = icmp->echo_id;
  else key->local_port = icmp->echo_id;
}

// The caller has zeroed the key. Returns false if there is no IP header; what lies behind a fragment's or an unknown
// header stays 0.
INLINE bool read_packet_key(struct __sk_buff *skb, bool ingress, struct socket_key *key) {
  union ip_address *source = ingress ? &key->remote : &key->local;
  union ip_address *destination = ingress ? &key->local : &key->remote;
  uint32_t offset;

  if (skb->protocol == BIG_ENDIAN_16(0x0800)) {
    struct ipv4_header ip;
    if (!read_front(skb, &ip, sizeof ip)) return false;
    key->family = AF_INET;
    key->protocol = ip.protocol;
    source->v4 = ip.source;
    destination->v4 = ip.destination;
    if (ip.fragment & BIG_ENDIAN_16(0x1fff)) return true;  // a later fragment has no ports
    offset = (ip.version_length & 15) * 4;
  } else if (skb->protocol == BIG_ENDIAN_16(0x86dd)) {
    struct ipv6_header ip;
    if (!read_front(skb, &ip, sizeof ip)) return false;
    key->family = AF_INET6;
    *source = ip.source;
    *destination = ip.destination;
    offset = sizeof ip;
    uint8_t next = ip.next_header;
    for (int i = 0; i < IPV6_MAX_EXTENSIONS; i++) {
      if (next != IPV6_HOP_BY_HOP && next != IPV6_ROUTING && next != IPV6_DESTINATION) break;
      struct { uint8_t next, length; } extension;
      if (bpf_skb_load_bytes(skb, offset, &extension, sizeof extension)) return true;
      next = extension.next;
      offset += (extension.length + 1) * 8;
    }
    key->protocol = next;
  } else {
    return false;
  }

  struct transport_header transport;
  if (has_ports(key->protocol)) {
    if (bpf_skb_load_bytes(skb, offset, &transport, 4)) return true;
    key->local_port = ingress ? transport.destination : transport.source;
    key->remote_port = ingress ? transport.source : transport.destination;
  } else if (is_icmp(key->protocol)) {
    if (!bpf_skb_load_bytes(skb, offset, &transport, sizeof transport)) put_echo_id(key, &transport, ingress);
  }
  return true;
}

INLINE bool same_tuple(const struct socket_key *a, const struct socket_key *b) {
  return a->remote.halves[1] == b->remote.halves[1] && a->remote.halves[0] == b->remote.halves[0] &&
         a->local.halves[1] == b->local.halves[1] && a->local.halves[0] == b->local.halves[0] &&
         a->local_port == b->local_port && a->remote_port == b->remote_port && a->protocol == b->protocol &&
         a->family == b->family;
}

// The finalizer of MurmurHash3 after each word.
INLINE uint64_t hash_tuple(const struct socket_key *key, uint64_t cookie) {
  const uint64_t words[] = {key->local.halves[0], key->local.halves[1], key->remote.halves[0], key->remote.halves[1],
                            (uint64_t)key->local_port << 32 | key->remote_port << 16 | key->protocol, cookie};
  uint64_t hash = layout.seed;
#pragma unroll
  for (int i = 0; i < 6; i++) {
    hash = (hash ^ words[i]) * 0xff51afd7ed558ccdull;
    hash ^= hash >> 33;
  }
  return hash;
}

INLINE struct seen_set *seen_set_of(uint64_t hash) {
  uint32_t index = (hash >> 32) & (layout.seen_sets - 1);
  return bpf_map_lookup_elem(&seen, &index);
}

INLINE bool is_seen(uint64_t hash) {
  struct seen_set *set = seen_set_of(hash);
  if (!set) return false;
#pragma unroll
  for (int i = 0; i < SEEN_WAYS; i++)
    if (set->hash[i] == hash) return true;
  return false;
}

// In place of the oldest.
INLINE void note_seen(uint64_t hash) {
  struct seen_set *set = seen_set_of(hash);
  if (!set) return;
#pragma unroll
  for (int i = SEEN_WAYS - 1; i > 0; i--) set->hash[i] = set->hash[i - 1];
  set->hash[0] = hash;
}

#endif
