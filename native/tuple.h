// The five-tuple as a row of words: what src/core/tuple.ts says, and must say.
#ifndef PCAPID_TUPLE_H
#define PCAPID_TUPLE_H

#include <cstddef>
#include <cstdint>

constexpr size_t kKeyWords = 11;
enum KeyWord : size_t { kMeta = 0, kPorts = 1, kScope = 2, kFirst = 3, kSecond = 7 };

enum Protocol : uint8_t { kTcp = 6, kUdp = 17 };

#endif
