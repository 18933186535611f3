// One open capture of libpcap: opened, drained without waiting, closed. Not thread-safe; a handle stays on its thread.
#ifndef PCAPID_PCAP_HANDLE_H
#define PCAPID_PCAP_HANDLE_H

#include <cstddef>
#include <cstdint>
#include <string>

#include "abi.h"
#include "libpcap.h"

struct CaptureOptions {
  std::string device, filter;
  int snaplen, ring_bytes, timeout_ms;
  bool promiscuous;
  std::string netns;  // path, "" for the namespace of the caller
};

// Why a handle could not be opened: a stable token and libpcap's or the kernel's words.
struct OpenFailure {
  const char *code = nullptr;
  std::string text;
};

// Columns of a PacketBatch (src/core/packet.ts), all of `rows` elements.
struct PacketColumns {
  uint8_t *bytes;
  size_t bytes_length;
  uint32_t *offset, *cap_len, *orig_len, *sec, *nsec;
  size_t rows;
};

class PcapHandle {
 public:
  PcapHandle() = default;
  ~PcapHandle() { Close(); }
  PcapHandle(const PcapHandle &) = delete;
  PcapHandle &operator=(const PcapHandle &) = delete;

  bool Open(const CaptureOptions &options, OpenFailure *failure);
  void Close();

  // Moves what the ring holds into the columns, from row 0. Returns packets, or a ReadStatus.
  int32_t Read(const PacketColumns &columns);
  // Totals since Open, also after Close.
  const uint64_t *Stats();

  int fd() const { return fd_; }
  int link_type() const { return link_type_; }
  int snaplen() const { return snaplen_; }
  int ifindex() const { return ifindex_; }  // 0: all interfaces
  const std::string &error() const { return error_; }

 private:
  bool Activate(const CaptureOptions &options, OpenFailure *failure);
  bool SetFilter(const std::string &filter, OpenFailure *failure);
  int32_t InterfaceStatus() const;

  const Libpcap *lib_ = nullptr;
  pcap_t *pcap_ = nullptr;
  int fd_ = -1, link_type_ = 0, snaplen_ = 0, ifindex_ = 0;
  int32_t pending_ = 0;  // a ReadStatus that came after packets which had to be delivered first
  std::string error_;
  uint64_t total_[kCounters] = {};
  uint32_t seen_[kCounters] = {};  // last values of libpcap's 32-bit counters
};

#endif
