// libpcap by dlopen: no header is needed to build, and whoever only reads files needs no library either.
// The declarations below are those of <pcap/pcap.h>; they have been stable since libpcap 1.5 (2013).
#ifndef PCAPID_LIBPCAP_H
#define PCAPID_LIBPCAP_H

#include <sys/time.h>

#include <cstdint>
#include <string>

struct pcap_t;

struct pcap_pkthdr {
  timeval ts;  // tv_usec holds nanoseconds on a handle with that precision
  uint32_t caplen, len;
};

struct bpf_program {
  unsigned length;
  void *instructions;
};

struct pcap_stat {
  unsigned received, dropped, interface_dropped;
};

using pcap_handler = void (*)(unsigned char *user, const pcap_pkthdr *header, const unsigned char *packet);

constexpr int kPcapErrorBuffer = 256;  // PCAP_ERRBUF_SIZE
constexpr int kPcapNoSuchDevice = -5;
constexpr int kPcapPermissionDenied = -8;
constexpr int kPcapInterfaceNotUp = -9;
constexpr int kPcapPromiscuousDenied = -11;
constexpr int kPcapNanoseconds = 1;              // PCAP_TSTAMP_PRECISION_NANO
constexpr uint32_t kPcapNoNetmask = 0xffffffff;  // PCAP_NETMASK_UNKNOWN
constexpr int kDltRaw = 12, kLinkTypeRaw = 101;  // the one DLT_ that differs from its LINKTYPE_ and occurs here (tun)
constexpr int kDltLinuxSll2 = 276;

#define PCAPID_LIBPCAP_FUNCTIONS(F)                                                            \
  F(const char *, lib_version, (void))                                                         \
  F(pcap_t *, create, (const char *device, char *error))                                       \
  F(int, set_snaplen, (pcap_t *, int octets))                                                  \
  F(int, set_promisc, (pcap_t *, int on))                                                      \
  F(int, set_timeout, (pcap_t *, int milliseconds))                                            \
  F(int, set_buffer_size, (pcap_t *, int octets))                                              \
  F(int, set_tstamp_precision, (pcap_t *, int precision))                                      \
  F(int, activate, (pcap_t *))                                                                 \
  F(int, setnonblock, (pcap_t *, int on, char *error))                                         \
  F(int, set_datalink, (pcap_t *, int link_type))                                              \
  F(int, datalink, (pcap_t *))                                                                 \
  F(int, snapshot, (pcap_t *))                                                                 \
  F(int, get_selectable_fd, (pcap_t *))                                                        \
  F(int, compile, (pcap_t *, bpf_program *, const char *filter, int optimize, uint32_t mask))  \
  F(int, setfilter, (pcap_t *, bpf_program *))                                                 \
  F(void, freecode, (bpf_program *))                                                           \
  F(int, dispatch, (pcap_t *, int count, pcap_handler, unsigned char *user))                   \
  F(int, stats, (pcap_t *, pcap_stat *))                                                       \
  F(char *, geterr, (pcap_t *))                                                                \
  F(const char *, statustostr, (int status))                                                   \
  F(void, close, (pcap_t *))

struct Libpcap {
#define PCAPID_MEMBER(result, name, arguments) result(*name) arguments = nullptr;
  PCAPID_LIBPCAP_FUNCTIONS(PCAPID_MEMBER)
#undef PCAPID_MEMBER
  std::string failure;  // why it cannot be used; empty when loaded
};

// Loads at the first call of the process; later calls, from any thread, return the same table.
const Libpcap &LoadLibpcap();

#endif
