// bpf(2) as far as this addon uses it, written out: linux/bpf.h of an older system lacks the newer half, while the
// numbers and layouts are kernel ABI.
#ifndef PCAPID_BPF_ABI_H
#define PCAPID_BPF_ABI_H

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

enum BpfCommand {
  kMapCreate = 0,
  kMapLookup = 1,
  kMapUpdate = 2,
  kProgLoad = 5,
  kRawTracepointOpen = 17,
  kMapFreeze = 22,
  kLinkCreate = 28,
  kIterCreate = 33,
};

enum BpfMapType : uint32_t { kMapArray = 2, kMapPerCpuArray = 6, kMapLruHash = 9, kMapRing = 27 };

enum BpfProgType : uint32_t { kProgCgroupSkb = 8, kProgCgroupSock = 9, kProgCgroupSockAddr = 18, kProgTracing = 26 };

enum BpfAttachType : uint32_t {
  kInetIngress = 0,
  kInetEgress = 1,
  kInetSockCreate = 2,
  kInet4Connect = 10,
  kInet6Connect = 11,
  kUdp4Sendmsg = 14,
  kUdp6Sendmsg = 15,
  kTraceRawTp = 23,
  kTraceIter = 28,
  kInetSockRelease = 34,
};

struct BpfInstruction {
  uint8_t code;
  uint8_t registers;  // destination, source << 4
  int16_t offset;
  int32_t immediate;
};
constexpr uint8_t kLoadCode = 0x18;        // BPF_LD | BPF_IMM | BPF_DW, 16 bytes
constexpr uint8_t kCallCode = 0x85;       // BPF_JMP | BPF_CALL
constexpr uint8_t kSetCode = 0xb7;        // BPF_ALU64 | BPF_MOV | BPF_K
constexpr uint8_t kPseudoMapFd = 1;       // source register of a 16-byte load: its immediate is a map
constexpr uint8_t kPseudoMapValue = 2;    // an address inside the first value of a map

union BpfAttributes {
  BpfAttributes() { memset(this, 0, sizeof *this); }  // padding too: the kernel refuses unknown bits
  struct {
    uint32_t type, key_bytes, value_bytes, entries, flags, inner, node;
    char name[16];
  } map;
  struct {
    uint32_t map_fd, zero;
    uint64_t key, value, flags;
  } element;
  struct {
    uint32_t type, count;
    uint64_t instructions, license;
    uint32_t log_level, log_size;
    uint64_t log;
    uint32_t kernel_version, flags;
    char name[16];
    uint32_t ifindex, expected_attach_type, type_information[9], attach_btf_id;
  } program;
  struct {
    uint64_t name;
    uint32_t program_fd;
  } tracepoint;
  struct {
    uint32_t program_fd, target_fd, attach_type, flags;
    uint64_t iterator;
    uint32_t iterator_size;
  } link;
  struct {
    uint32_t link_fd, flags;
  } iterator;
  uint8_t whole[128];
};
static_assert(offsetof(BpfAttributes, program.attach_btf_id) == 108, "as in linux/bpf.h");

// Returns a descriptor or 0, or -errno.
inline int Bpf(BpfCommand command, BpfAttributes *attributes) {
  const long result = syscall(SYS_bpf, command, attributes, sizeof *attributes);
  return result < 0 ? -errno : static_cast<int>(result);
}

inline uint64_t AddressOf(const void *pointer) { return reinterpret_cast<uintptr_t>(pointer); }

#endif
