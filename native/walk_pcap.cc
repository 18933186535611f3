// Whole records of a pcap file that follow each other and have nothing odd, which is nearly all of it. What else stands
// there, a part of a record or damage, is for src/pcap/pcap.ts.
#include <algorithm>
#include <cstring>

#include "addon.h"
#include "arguments.h"

namespace {

// Octets from a record's start.
constexpr uint32_t kFraction = 4, kCaptured = 8, kOriginal = 12, kPcapRecord = 16;

uint32_t Word(const uint8_t *p, bool swap) {
  uint32_t value;
  memcpy(&value, p, sizeof value);
  return swap ? __builtin_bswap32(value) : value;
}

bool IsLittleEndianHost() {
  const uint16_t one = 1;
  uint8_t first;
  memcpy(&first, &one, 1);
  return first == 1;
}

}  // namespace

// (bytes, range, littleEndian, nanosecond, longest, offset, capLen, origLen, sec, nsec) -> rows
napi_value WalkPcap(napi_env env, napi_callback_info info) {
  const Arguments<10> in(env, info);
  const Span<uint8_t> bytes = in.Array<uint8_t>(0);
  const Span<uint32_t> range = in.Array<uint32_t>(1);
  const bool swap = (in.Int(2) != 0) != IsLittleEndianHost();
  const uint32_t unit = in.Int(3) != 0 ? 1 : 1000, second = 1000000000 / unit;  // of a fraction
  const uint32_t longest = static_cast<uint32_t>(in.Int(4));
  const Span<uint32_t> offset = in.Array<uint32_t>(5), captured = in.Array<uint32_t>(6), original = in.Array<uint32_t>(7);
  const Span<uint32_t> sec = in.Array<uint32_t>(8), nsec = in.Array<uint32_t>(9);
  const size_t rows = std::min({offset.length, captured.length, original.length, sec.length, nsec.length});
  if (range.length < 2) return ToInt(env, 0);
  const size_t have = std::min<size_t>(range.data[1], bytes.length);
  size_t at = range.data[0], row = 0;
  while (row < rows && at < have && have - at >= kPcapRecord) {
    const uint8_t *record = bytes.data + at;
    const uint32_t length = Word(record + kCaptured, swap), fraction = Word(record + kFraction, swap);
    if (length > longest || length > have - at - kPcapRecord || fraction >= second) break;
    offset.data[row] = static_cast<uint32_t>(at + kPcapRecord);
    captured.data[row] = length;
    original.data[row] = std::max(Word(record + kOriginal, swap), length);  // some writers left it 0
    sec.data[row] = Word(record, swap);
    nsec.data[row++] = fraction * unit;
    at += kPcapRecord + length;
  }
  range.data[0] = static_cast<uint32_t>(at);
  return ToInt(env, static_cast<int32_t>(row));
}
