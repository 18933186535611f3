// libpcap handles, pcap(3PCAP), on Linux: a memory-mapped AF_PACKET ring (TPACKET_V3).
#include "pcap_handle.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "netns.h"

namespace {

const char *CodeOf(int status) {
  switch (status) {
    case kPcapNoSuchDevice:
      return "no-such-interface";
    case kPcapPermissionDenied:
    case kPcapPromiscuousDenied:
      return "no-capture-right";
    case kPcapInterfaceNotUp:
      return "interface-down";
    default:
      return "capture-failed";
  }
}

// Index of the interface that a packet socket is bound to, in the socket's own namespace; 0 for all.
int BoundInterface(int fd) {
  sockaddr_ll address{};
  socklen_t length = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr *>(&address), &length) != 0) return 0;
  return address.sll_family == AF_PACKET ? address.sll_ifindex : 0;
}

struct Copy {
  const PacketColumns &columns;
  size_t rows = 0, used = 0;
};

void CopyPacket(unsigned char *user, const pcap_pkthdr *header, const unsigned char *packet) {
  Copy &copy = *reinterpret_cast<Copy *>(user);
  const PacketColumns &c = copy.columns;
  if (copy.rows == c.rows) return;  // cannot be: dispatch was told how many
  const size_t length = std::min<size_t>(header->caplen, c.bytes_length - copy.used);
  memcpy(c.bytes + copy.used, packet, length);
  c.offset[copy.rows] = static_cast<uint32_t>(copy.used);
  c.cap_len[copy.rows] = static_cast<uint32_t>(length);
  c.orig_len[copy.rows] = header->len;
  c.sec[copy.rows] = static_cast<uint32_t>(header->ts.tv_sec);
  c.nsec[copy.rows] = static_cast<uint32_t>(header->ts.tv_usec);
  copy.rows++;
  copy.used += length;
}

}  // namespace

bool PcapHandle::Open(const CaptureOptions &options, OpenFailure *failure) {
  lib_ = &LoadLibpcap();
  if (!lib_->failure.empty()) {
    *failure = {"no-libpcap", lib_->failure};
    return false;
  }
  bool opened = false;
  auto open = [&] { opened = Activate(options, failure) && SetFilter(options.filter, failure); };
  if (const int error = RunInNetns(options.netns, open); error != 0) {
    *failure = {error == EPERM ? "no-capture-right" : "no-such-netns", options.netns + ": " + strerror(error)};
  }
  if (!opened) Close();
  return opened;
}

bool PcapHandle::Activate(const CaptureOptions &options, OpenFailure *failure) {
  char text[kPcapErrorBuffer] = "";
  pcap_ = lib_->create(options.device.c_str(), text);
  if (pcap_ == nullptr) {
    *failure = {"capture-failed", text};
    return false;
  }
  lib_->set_snaplen(pcap_, options.snaplen);
  lib_->set_promisc(pcap_, options.promiscuous ? 1 : 0);
  lib_->set_timeout(pcap_, options.timeout_ms);
  lib_->set_buffer_size(pcap_, options.ring_bytes);
  lib_->set_tstamp_precision(pcap_, kPcapNanoseconds);
  if (const int status = lib_->activate(pcap_); status < 0) {  // above 0 are warnings
    const std::string detail = lib_->geterr(pcap_);
    *failure = {CodeOf(status), detail.empty() ? lib_->statustostr(status) : detail};
    return false;
  }
  fd_ = lib_->get_selectable_fd(pcap_);
  if (fd_ < 0 || lib_->setnonblock(pcap_, 1, text) != 0) {
    *failure = {"capture-failed", fd_ < 0 ? options.device + " cannot be polled" : text};
    return false;
  }
  // Only SLL2 says which interface a packet of `any` passed; libpcap before 1.10 has only SLL.
  if (options.device == "any") lib_->set_datalink(pcap_, kDltLinuxSll2);
  link_type_ = lib_->datalink(pcap_);
  if (link_type_ == kDltRaw) link_type_ = kLinkTypeRaw;
  snaplen_ = lib_->snapshot(pcap_);
  ifindex_ = BoundInterface(fd_);
  return true;
}

bool PcapHandle::SetFilter(const std::string &filter, OpenFailure *failure) {
  bpf_program program{};  // also of the empty filter: it is what cuts packets to the snaplen before they take their room
  if (lib_->compile(pcap_, &program, filter.c_str(), 1, kPcapNoNetmask) != 0) {
    *failure = {"bad-filter", lib_->geterr(pcap_)};
    return false;
  }
  const bool set = lib_->setfilter(pcap_, &program) == 0;
  if (!set) *failure = {"capture-failed", lib_->geterr(pcap_)};
  lib_->freecode(&program);
  return set;
}

void PcapHandle::Close() {
  if (pcap_ == nullptr) return;
  Stats();
  lib_->close(pcap_);
  pcap_ = nullptr;
  fd_ = -1;
  error_ = "the capture is closed";
}

int32_t PcapHandle::Read(const PacketColumns &columns) {
  if (pcap_ == nullptr) return kReadFailed;
  if (pending_ != 0) {
    const int32_t status = pending_;
    pending_ = 0;
    return status;
  }
  Copy copy{columns};
  const size_t largest = static_cast<size_t>(std::max(snaplen_, 1));
  for (;;) {
    // A count that cannot overflow the bytes even if every packet is as long as the snaplen.
    const size_t room = std::min(columns.rows - copy.rows, (columns.bytes_length - copy.used) / largest);
    if (room == 0) break;
    const int count = static_cast<int>(std::min<size_t>(room, INT32_MAX));
    const int got = lib_->dispatch(pcap_, count, CopyPacket, reinterpret_cast<unsigned char *>(&copy));
    if (got < 0) error_ = lib_->geterr(pcap_);
    if (got < 0 || copy.rows == 0) pending_ = InterfaceStatus();
    if (got < 0 && pending_ == 0) pending_ = kReadFailed;
    if (got < count) break;
  }
  if (copy.rows > 0) return static_cast<int32_t>(copy.rows);
  const int32_t status = pending_;
  pending_ = 0;
  return status;
}

// libpcap 1.10 says nothing when an interface goes down: it waits for it to come back, under its old name.
int32_t PcapHandle::InterfaceStatus() const {
  if (ifindex_ <= 0) return 0;
  ifreq request{};
  request.ifr_ifindex = ifindex_;
  if (ioctl(fd_, SIOCGIFNAME, &request) != 0) return kInterfaceGone;  // by index: interfaces are renamed
  if (ioctl(fd_, SIOCGIFFLAGS, &request) != 0) return kInterfaceGone;
  return (request.ifr_flags & IFF_UP) != 0 ? 0 : kInterfaceDown;
}

const uint64_t *PcapHandle::Stats() {
  pcap_stat now{};
  if (pcap_ == nullptr || lib_->stats(pcap_, &now) != 0) return total_;
  const uint32_t values[kCounters] = {now.received, now.dropped, now.interface_dropped};
  for (size_t i = 0; i < kCounters; i++) {
    total_[i] += static_cast<uint32_t>(values[i] - seen_[i]);  // they wrap at 2^32
    seen_[i] = values[i];
  }
  return total_;
}
