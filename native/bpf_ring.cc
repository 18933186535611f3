#include "bpf_ring.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace {

// The word before each record: its length and two bits. The word after it is the kernel's own.
constexpr uint32_t kBusy = 1u << 31, kDiscarded = 1u << 30;
constexpr size_t kRecordHeader = 8;

constexpr size_t Padded(size_t length) { return (length + 7) & ~size_t{7}; }

}  // namespace

int BpfRing::Open(int fd, size_t bytes) {
  page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (bytes < page_ || (bytes & (bytes - 1)) != 0) return EINVAL;
  bytes_ = bytes;
  void *const consumer = mmap(nullptr, page_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (consumer == MAP_FAILED) return errno;
  consumer_ = static_cast<uint64_t *>(consumer);
  // The kernel would map the data twice in a row, so that a record never wraps; but each page of it counts as memory.
  void *const producer = mmap(nullptr, page_ + bytes_, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(page_));
  if (producer == MAP_FAILED) {
    const int failed = errno;
    Close();
    return failed;
  }
  producer_ = static_cast<uint8_t *>(producer);
  return 0;
}

// Octets from `position` on, which may go on at the begin of the data.
void BpfRing::Copy(uint8_t *into, uint64_t position, size_t length) const {
  const uint8_t *const data = producer_ + page_;
  const size_t at = position & (bytes_ - 1);
  const size_t first = std::min(length, bytes_ - at);
  memcpy(into, data + at, first);
  memcpy(into + first, data, length - first);
}

size_t BpfRing::Read(uint8_t *into, size_t size) {
  if (producer_ == nullptr) return 0;
  const uint64_t end = __atomic_load_n(reinterpret_cast<const uint64_t *>(producer_), __ATOMIC_ACQUIRE);
  const uint64_t begin = *consumer_;
  uint64_t position = begin;
  size_t filled = 0;
  while (position < end) {
    const uint8_t *record = producer_ + page_ + (position & (bytes_ - 1));
    const uint32_t word = __atomic_load_n(reinterpret_cast<const uint32_t *>(record), __ATOMIC_ACQUIRE);
    if ((word & kBusy) != 0) break;
    const uint32_t length = word & ~kDiscarded;
    const size_t whole = kRecordHeader + Padded(length);
    if (whole > end - position) break;
    if ((word & kDiscarded) == 0) {
      if (whole > size - filled) break;
      const uint32_t header[2] = {length, 0};
      memcpy(into + filled, header, kRecordHeader);
      Copy(into + filled + kRecordHeader, position + kRecordHeader, whole - kRecordHeader);
      filled += whole;
    }
    position += whole;
  }
  if (position != begin) __atomic_store_n(consumer_, position, __ATOMIC_RELEASE);
  return filled;
}

void BpfRing::Close() {
  if (consumer_ != nullptr) munmap(consumer_, page_);
  if (producer_ != nullptr) munmap(producer_, page_ + bytes_);
  consumer_ = nullptr;
  producer_ = nullptr;
}
