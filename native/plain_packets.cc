// TCP and UDP over IPv4 and IPv6 over Ethernet, in VLANs or not, without options, extension headers and fragments:
// nearly every packet of nearly every capture. Writes their rows of a DecodedBatch in a fifth of the time that the layers
// of src/decode take, leaves every other packet to them, also each that is odd in any way, and says of the rest exactly
// what they would say (test/property/plain.test.ts).
#include <endian.h>

#include <algorithm>
#include <cstring>

#include "addon.h"
#include "arguments.h"
#include "tuple.h"

namespace {

constexpr uint16_t kEthernet = 1;  // LINKTYPE_ETHERNET
enum EtherType : uint16_t { kIpv4 = 0x0800, kVlan = 0x8100, kIpv6 = 0x86dd, kQinQ = 0x88a8, kQinQOld = 0x9100 };

// Octets from the frame's start, the IP header's and the transport header's.
constexpr uint32_t kType = 12, kTag = 4, kEthernetHeader = 14;
constexpr uint32_t kFragment = 6, kProtocol = 9, kIpv4Src = 12, kIpv4Dst = 16, kIpv4Header = 20;
constexpr uint32_t kPayloadLength = 4, kNextHeader = 6, kIpv6Src = 8, kIpv6Dst = 24, kIpv6Header = 40;
constexpr uint32_t kSequence = 4, kFlags = 13;

constexpr uint32_t kLeast = kFlags + 1;   // shorter datagrams are left, too: one condition for both protocols
constexpr uint8_t kIpv4Start = 0x45;      // version, header of five words
constexpr uint16_t kIsFragment = 0x3fff;  // more fragments, or an offset
constexpr uint32_t kMapped = 0xffff;      // third word of ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2
constexpr uint32_t kLinkLocal = 0x3fa;    // fe80::/10, the first ten bits

uint16_t Load16(const uint8_t *p) {
  uint16_t value;
  memcpy(&value, p, sizeof value);
  return be16toh(value);
}

uint32_t Load32(const uint8_t *p) {
  uint32_t value;
  memcpy(&value, p, sizeof value);
  return be32toh(value);
}

bool IsTaken(uint8_t protocol) { return protocol == kTcp || protocol == kUdp; }

bool IsTag(uint16_t type) { return type == kVlan || type == kQinQ || type == kQinQOld; }

struct Plain {
  uint32_t ip;         // octets from the frame's start
  uint32_t transport;  // the same
  uint32_t ip_bytes;
  uint8_t protocol;
};

// Writes addresses and version of the key; ports and the rest are the same for both versions.
bool ReadIpv4(const uint8_t *frame, uint32_t captured, uint32_t on_wire, uint32_t meta, Plain *out, uint32_t *key) {
  const uint8_t *ip = frame + out->ip;
  if (captured < out->ip + kIpv4Header + kLeast || ip[0] != kIpv4Start) return false;
  out->ip_bytes = Load16(ip + 2);
  out->protocol = ip[kProtocol];
  out->transport = out->ip + kIpv4Header;
  if ((Load16(ip + kFragment) & kIsFragment) != 0 || !IsTaken(out->protocol)) return false;
  if (out->ip_bytes < kIpv4Header + kLeast || out->ip_bytes > on_wire - out->ip) return false;
  key[kMeta] = meta | 4 << 8 | out->protocol;
  key[kFirst] = key[kFirst + 1] = key[kSecond] = key[kSecond + 1] = 0;
  key[kFirst + 2] = key[kSecond + 2] = kMapped;
  key[kFirst + 3] = Load32(ip + kIpv4Src);
  key[kSecond + 3] = Load32(ip + kIpv4Dst);
  return true;
}

bool ReadIpv6(const uint8_t *frame, uint32_t captured, uint32_t on_wire, uint32_t meta, Plain *out, uint32_t *key) {
  const uint8_t *ip = frame + out->ip;
  if (captured < out->ip + kIpv6Header + kLeast || ip[0] >> 4 != 6) return false;
  const uint32_t payload = Load16(ip + kPayloadLength);
  out->ip_bytes = kIpv6Header + payload;
  out->protocol = ip[kNextHeader];
  out->transport = out->ip + kIpv6Header;
  if (payload < kLeast || out->ip_bytes > on_wire - out->ip || !IsTaken(out->protocol)) return false;
  if (Load32(ip + kIpv6Src) >> 22 == kLinkLocal || Load32(ip + kIpv6Dst) >> 22 == kLinkLocal) return false;
  key[kMeta] = meta | 6 << 8 | out->protocol;
  for (uint32_t w = 0; w < 4; w++) key[kFirst + w] = Load32(ip + kIpv6Src + 4 * w);
  for (uint32_t w = 0; w < 4; w++) key[kSecond + w] = Load32(ip + kIpv6Dst + 4 * w);
  return true;
}

bool Read(const uint8_t *frame, uint32_t captured, uint32_t on_wire, uint32_t meta, Plain *out, uint32_t *key) {
  if (captured < kEthernetHeader + kIpv4Header + kLeast || on_wire < captured) return false;
  uint32_t at = kType;
  uint16_t type = Load16(frame + at);
  for (int tags = 0; IsTag(type) && tags < 2; tags++) type = Load16(frame + (at += kTag));
  out->ip = at + 2;
  if (type == kIpv4) return ReadIpv4(frame, captured, on_wire, meta, out, key);
  return type == kIpv6 && ReadIpv6(frame, captured, on_wire, meta, out, key);
}

}  // namespace

// (bytes, count, netns, offset, capLen, origLen, linkType, status, key, ipAt, transportAt, ipBytes, tcpFlags, tcpSeq,
// left, sums) -> rows that are left
napi_value DecodePlain(napi_env env, napi_callback_info info) {
  const Arguments<16> in(env, info);
  const Span<uint8_t> bytes = in.Array<uint8_t>(0);
  const Span<uint32_t> offset = in.Array<uint32_t>(3), captured = in.Array<uint32_t>(4), on_wire = in.Array<uint32_t>(5);
  const Span<uint16_t> link_type = in.Array<uint16_t>(6), left = in.Array<uint16_t>(14);
  const Span<uint8_t> status = in.Array<uint8_t>(7), tcp_flags = in.Array<uint8_t>(12);
  const Span<int32_t> key = in.Array<int32_t>(8);
  const Span<uint32_t> ip_at = in.Array<uint32_t>(9), transport_at = in.Array<uint32_t>(10);
  const Span<uint32_t> ip_bytes = in.Array<uint32_t>(11), tcp_seq = in.Array<uint32_t>(13);
  const Span<double> sums = in.Array<double>(15);
  const size_t rows = std::min({static_cast<size_t>(std::max(in.Int(1), 0)), offset.length, captured.length,
                                on_wire.length, link_type.length, left.length, status.length, tcp_flags.length,
                                key.length / kKeyWords, ip_at.length, transport_at.length, ip_bytes.length,
                                tcp_seq.length});
  const uint32_t meta = static_cast<uint32_t>(in.Int(2)) << 16;
  uint32_t left_count = 0;
  uint64_t sum_bytes = 0, sum_ip_bytes = 0;
  for (size_t i = 0; i < rows; i++) {
    const uint32_t at = offset.data[i], length = captured.data[i];
    const bool is_inside = static_cast<uint64_t>(at) + length <= bytes.length;
    uint32_t *const row = reinterpret_cast<uint32_t *>(key.data) + i * kKeyWords;
    Plain plain;
    if (link_type.data[i] != kEthernet || !is_inside ||
        !Read(bytes.data + at, length, on_wire.data[i], meta, &plain, row)) {
      left.data[left_count++] = static_cast<uint16_t>(i);
      continue;
    }
    const uint8_t *transport = bytes.data + at + plain.transport;
    const uint32_t of_tcp = plain.protocol == kTcp ? ~0u : 0;  // no branch on what nobody can guess
    row[kPorts] = Load32(transport);
    row[kScope] = 0;
    status.data[i] = 0;
    ip_at.data[i] = at + plain.ip;
    transport_at.data[i] = at + plain.transport;
    ip_bytes.data[i] = plain.ip_bytes;
    tcp_seq.data[i] = Load32(transport + kSequence) & of_tcp;
    tcp_flags.data[i] = transport[kFlags] & of_tcp;
    sum_bytes += on_wire.data[i];
    sum_ip_bytes += plain.ip_bytes;
  }
  if (sums.length >= 2) {
    sums.data[0] = static_cast<double>(sum_bytes);
    sums.data[1] = static_cast<double>(sum_ip_bytes);
  }
  return ToInt(env, static_cast<int32_t>(left_count));
}
