#include "bpf_ring.h"

#include <sys/mman.h>
#include <unistd.h>

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
  void *const producer = mmap(nullptr, page_ + 2 * bytes_, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(page_));
  if (producer == MAP_FAILED) {
    const int failed = errno;
    Close();
    return failed;
  }
  producer_ = static_cast<uint8_t *>(producer);
  return 0;
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
      memcpy(into + filled + kRecordHeader, record + kRecordHeader, whole - kRecordHeader);
      filled += whole;
    }
    position += whole;
  }
  if (position != begin) __atomic_store_n(consumer_, position, __ATOMIC_RELEASE);
  return filled;
}

void BpfRing::Close() {
  if (consumer_ != nullptr) munmap(consumer_, page_);
  if (producer_ != nullptr) munmap(producer_, page_ + 2 * bytes_);
  consumer_ = nullptr;
  producer_ = nullptr;
}
