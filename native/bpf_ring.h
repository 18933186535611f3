// The reader's side of a BPF ring buffer, Documentation/bpf/ringbuf.rst.
#ifndef PCAPID_BPF_RING_H
#define PCAPID_BPF_RING_H

#include <cstddef>
#include <cstdint>

class BpfRing {
 public:
  BpfRing() = default;
  ~BpfRing() { Close(); }
  BpfRing(const BpfRing &) = delete;
  BpfRing &operator=(const BpfRing &) = delete;

  int Open(int fd, size_t bytes);  // 0 or an errno
  // Moves whole records out, in their order, until `into` is full or a record is not complete yet. Returns octets.
  size_t Read(uint8_t *into, size_t size);
  void Close();

 private:
  void Copy(uint8_t *into, uint64_t position, size_t length) const;

  uint64_t *consumer_ = nullptr;  // a page that only the reader writes: how far it has read
  uint8_t *producer_ = nullptr;   // a page that only the kernel writes, then the data
  size_t page_ = 0, bytes_ = 0;
};

#endif
