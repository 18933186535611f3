// The part of the flow table that runs for every packet: finds the flow of a packet, and counts it there when nothing
// can begin or end with it. The rest is left to src/flow/packet-count.ts.
#include <algorithm>
#include <cstring>

#include "addon.h"
#include "arguments.h"
#include "tuple.h"

namespace {

// What src/flow/flow-entries.ts says: 128 octets a flow, its key first.
constexpr uint32_t kEntryShift = 5, kDoubleShift = 4;
enum EntryWord : uint32_t { kEpoch = kKeyWords, kPlace = 26 };
enum EntryDouble : uint32_t { kLastUs = 6, kCountersAt = 7 };
constexpr int32_t kCountersOfDirection = 3;  // packets, bytes, ipBytes
constexpr int32_t kUntouched = -1;

constexpr uint8_t kEdge = 0x07;  // FIN, SYN, RST: TCP_EDGE of src/flow/tcp-end.ts

// Order of the doubles of `moment`, and of `totals`.
enum Moment : size_t { kOffsetUs, kEarliestUs, kNowUs, kBeginUs, kEndUs, kMoments };
enum Total : size_t { kPackets, kBytes, kIpBytes, kLatestUs, kTotals };

// Packets that are looked up before they are counted: cache misses of all of them overlap.
constexpr size_t kStretch = 64;
constexpr int32_t kNone = -1;

uint32_t MixEnd(uint32_t address, uint32_t port) {
  uint32_t h = address * 0x85ebca6bu;
  h = (h ^ h >> 15 ^ port) * 0xc2b2ae35u;
  return h ^ h >> 13;
}

uint32_t MixIpv6(const uint32_t *words, uint32_t seed) {
  uint32_t h = (words[0] ^ seed) * 0xc2b2ae35u;
  h = (h ^ h >> 15 ^ words[1]) * 0x27d4eb2fu;
  h = (h ^ h >> 13 ^ words[2]) * 0x85ebca6bu;
  return h ^ h >> 16;
}

// hashKey() of src/flow/flow-key.ts.
uint32_t Hash(const uint32_t *key, uint32_t seed) {
  const uint32_t meta = key[kMeta] & 0xffff;
  uint32_t first = seed, second = seed;
  if (meta >> 8 != 4) {
    first = MixIpv6(key + kFirst, seed ^ key[kScope]);
    second = MixIpv6(key + kSecond, seed ^ key[kScope]);
  }
  const uint32_t a = MixEnd(first ^ key[kFirst + 3], key[kPorts] >> 16);
  const uint32_t b = MixEnd(second ^ key[kSecond + 3], key[kPorts] & 0xffff);
  const uint32_t h = ((a + b) ^ meta) * 0x27d4eb2fu;
  return h ^ h >> 15;
}

// compareKeys() of src/flow/flow-key.ts: 0 equal, 1 equal with the ends exchanged, kNone.
int32_t Compare(const uint32_t *a, const uint32_t *b) {
  const uint32_t ports = a[kPorts];
  uint32_t same = (a[kMeta] ^ b[kMeta]) | (a[kScope] ^ b[kScope]);
  uint32_t turned = same | ((ports >> 16 | ports << 16) ^ b[kPorts]);
  same |= ports ^ b[kPorts];
  for (uint32_t w = 0; w < 4; w++) {
    same |= (a[kFirst + w] ^ b[kFirst + w]) | (a[kSecond + w] ^ b[kSecond + w]);
    turned |= (a[kFirst + w] ^ b[kSecond + w]) | (a[kSecond + w] ^ b[kFirst + w]);
  }
  const int32_t direction = same != 0;
  return same != 0 && turned != 0 ? kNone : direction;
}

struct Index {
  const int32_t *pairs;  // hash, entry + 1; 0: a free slot
  uint32_t mask;
};

// The entry with that hash, perhaps not with that key; kNone: there is none.
int32_t Probe(const Index &index, uint32_t hash, size_t entries) {
  for (size_t n = 0; n <= index.mask; n++) {  // a table of the caller may have no free slot
    const size_t slot = (hash + n) & index.mask;
    const uint32_t number = static_cast<uint32_t>(index.pairs[2 * slot + 1]);  // from 1
    if (number == 0) return kNone;
    if (static_cast<uint32_t>(index.pairs[2 * slot]) != hash) continue;
    return number <= entries ? static_cast<int32_t>(number - 1) : kNone;
  }
  return kNone;
}

// Columns of a batch, of rows that were decoded.
struct Packets {
  Span<uint8_t> status, tcp_flags;
  Span<int32_t> key;
  Span<uint32_t> ip_bytes, sec, nsec, orig_len, ifindex;

  size_t Rows(int32_t count) const {
    return std::min({static_cast<size_t>(std::max(count, 0)), status.length, tcp_flags.length, key.length / kKeyWords,
                     ip_bytes.length, sec.length, nsec.length, orig_len.length, ifindex.length});
  }

  const uint32_t *Key(size_t i) const { return reinterpret_cast<const uint32_t *>(key.data) + i * kKeyWords; }
};

// The table, and what holds for all packets of a call.
struct Table {
  Index index;
  int32_t *words;
  double *doubles;  // the same memory
  size_t entries;
  uint32_t seed, netns;
  int32_t epoch;
  double moment[kMoments];
  double totals[kTotals];

  double TimeOf(const Packets &packets, size_t i) const {
    const double us = packets.sec.data[i] * 1e6 + packets.nsec.data[i] / 1000 - moment[kOffsetUs];
    return std::min(std::max(us, moment[kEarliestUs]), moment[kNowUs]);
  }

  // Counts packet `i` as of every flow, and in its own one when nothing begins or ends with it: else kNone.
  int32_t Count(const Packets &packets, size_t i, int32_t entry) {
    const double us = TimeOf(packets, i);
    const double bytes = packets.orig_len.data[i], ip_bytes = packets.ip_bytes.data[i];
    totals[kPackets] += 1;
    totals[kBytes] += bytes;
    totals[kIpBytes] += ip_bytes;
    totals[kLatestUs] = std::max(totals[kLatestUs], us);
    if (entry == kNone) return kNone;
    int32_t *const flow = words + (static_cast<size_t>(entry) << kEntryShift);
    const int32_t direction = Compare(reinterpret_cast<const uint32_t *>(flow), packets.Key(i));
    if (direction == kNone) return kNone;
    if ((packets.tcp_flags.data[i] & kEdge) != 0 || us < moment[kBeginUs] || us >= moment[kEndUs]) {
      flow[kEpoch] = kUntouched;  // later packets of the flow must not overtake this one
      return kNone;
    }
    const uint32_t place = packets.ifindex.data[i] ^ netns;
    if (flow[kEpoch] != epoch || static_cast<uint32_t>(flow[kPlace + direction]) != place) return kNone;
    double *const numbers = doubles + (static_cast<size_t>(entry) << kDoubleShift);
    double *const counters = numbers + kCountersAt + direction * kCountersOfDirection;
    numbers[kLastUs] = std::max(numbers[kLastUs], us);
    counters[0] += 1;
    counters[1] += bytes;
    counters[2] += ip_bytes;
    return entry << 1 | direction;
  }
};

// What the caller learns of packets; the first three of those that are left, the others of all.
struct Answers {
  Span<uint16_t> rows;
  Span<int32_t> candidates, hashes;
  Span<int32_t> ways;         // entry << 1 | direction of packets that were counted; empty: nobody asks
  Span<double> flow_serials;  // of the table's entries; empty: nobody asks
  Span<double> serials;
  size_t left = 0;

  void Tell(size_t i, int32_t way, int32_t candidate, uint32_t hash) {
    if (i < ways.length) ways.data[i] = way;
    if (way == kNone) {
      rows.data[left] = static_cast<uint16_t>(i);
      candidates.data[left] = candidate;
      hashes.data[left++] = static_cast<int32_t>(hash);
    } else if (i < serials.length && static_cast<size_t>(way >> 1) < flow_serials.length) {
      serials.data[i] = flow_serials.data[way >> 1] * (1 - 2 * (way & 1));
    }
  }
};

void CountStretch(const Packets &packets, size_t from, size_t to, Table *table, Answers *answers) {
  uint16_t rows[kStretch];
  uint32_t hashes[kStretch];
  int32_t candidates[kStretch];
  size_t count = 0;
  for (size_t i = from; i < to; i++) {
    if (packets.status.data[i] != 0) continue;
    rows[count] = static_cast<uint16_t>(i);
    hashes[count] = Hash(packets.Key(i), table->seed);
    __builtin_prefetch(table->index.pairs + 2 * (hashes[count++] & table->index.mask));
  }
  for (size_t n = 0; n < count; n++) {
    candidates[n] = Probe(table->index, hashes[n], table->entries);
    if (candidates[n] == kNone) continue;
    const int32_t *flow = table->words + (static_cast<size_t>(candidates[n]) << kEntryShift);
    __builtin_prefetch(flow, 1);
    __builtin_prefetch(flow + kPlace, 1);  // an entry has two cache lines
  }
  for (size_t n = 0; n < count; n++) {
    answers->Tell(rows[n], table->Count(packets, rows[n], candidates[n]), candidates[n], hashes[n]);
  }
}

}  // namespace

// (count, status, tcpFlags, key, ipBytes, sec, nsec, origLen, ifindex, pairs, words, [seed, epoch, netns], moment,
// totals, rows, candidates, hashes, ways, flowSerials, serials) -> rows that are left
napi_value CountFlows(napi_env env, napi_callback_info info) {
  const Arguments<20> in(env, info);
  const Packets packets{in.Array<uint8_t>(1),  in.Array<uint8_t>(2),  in.Array<int32_t>(3),  in.Array<uint32_t>(4),
                        in.Array<uint32_t>(5), in.Array<uint32_t>(6), in.Array<uint32_t>(7), in.Array<uint32_t>(8)};
  const Span<int32_t> pairs = in.Array<int32_t>(9), words = in.Array<int32_t>(10), numbers = in.Array<int32_t>(11);
  const Span<double> moment = in.Array<double>(12), totals = in.Array<double>(13);
  Answers answers{in.Array<uint16_t>(14), in.Array<int32_t>(15), in.Array<int32_t>(16),
                  in.Array<int32_t>(17),  in.Array<double>(18),  in.Array<double>(19)};
  const size_t slots = pairs.length / 2;
  const bool has_doubles = reinterpret_cast<uintptr_t>(words.data) % alignof(double) == 0;
  if (slots == 0 || (slots & (slots - 1)) != 0 || !has_doubles || numbers.length < 3 || moment.length < kMoments ||
      totals.length < kTotals) {
    return ToInt(env, 0);
  }
  Table table{{pairs.data, static_cast<uint32_t>(slots - 1)},
              words.data,
              reinterpret_cast<double *>(words.data),
              words.length >> kEntryShift,
              static_cast<uint32_t>(numbers.data[0]),
              static_cast<uint32_t>(numbers.data[2]),
              numbers.data[1],
              {},
              {}};
  memcpy(table.moment, moment.data, sizeof table.moment);
  memcpy(table.totals, totals.data, sizeof table.totals);
  const size_t count = std::min({packets.Rows(in.Int(0)), answers.rows.length, answers.candidates.length,
                                 answers.hashes.length});
  for (size_t from = 0; from < count; from += kStretch) {
    CountStretch(packets, from, std::min(from + kStretch, count), &table, &answers);
  }
  memcpy(totals.data, table.totals, sizeof table.totals);
  return ToInt(env, static_cast<int32_t>(answers.left));
}
