// One BPF program: loaded from the instructions in bpf/socket_owner.bpf.h, attached by a link, which the kernel takes
// away with its last descriptor: so also when the process dies.
#ifndef PCAPID_BPF_PROGRAM_H
#define PCAPID_BPF_PROGRAM_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bpf_abi.h"

// A section of the compiled object: what one or several programs are loaded from.
struct BpfSection {
  const char *name;
  const uint64_t *code;
  size_t count;  // instructions
};

// Names of the maps that the programs use.
const char *const *BpfMapNames(size_t *count);

// What the programs refer to.
struct BpfReferences {
  std::vector<int> maps;  // descriptors, in the order of BpfMapNames
  int layout = -1;        // the map of struct kernel_layout
};

enum BpfHelper : int32_t {  // those that a kernel or a missing capability may refuse: they can be done without
  kGetCurrentTask = 35,     // needs CAP_PERFMON
  kProbeReadKernel = 113,   // needs CAP_PERFMON
  kGetNetnsCookie = 122,    // in cgroup_skb programs: Linux 6.15
};

struct BpfProgramSpec {
  const char *name;     // for the kernel and for reports, at most 15 characters
  const char *section;
  BpfProgType type;
  BpfAttachType attach_type;
  const char *target = nullptr;  // of a tracing program: a name in the kernel's type information
  bool is_tracing() const { return type == kProgTracing; }
};

class BpfProgram {
 public:
  explicit BpfProgram(const BpfProgramSpec &spec) : spec_(spec) {}
  ~BpfProgram();
  BpfProgram(const BpfProgram &) = delete;
  BpfProgram &operator=(const BpfProgram &) = delete;

  // Calls of the helper `dropped` give 0 instead, and so do those of optional helpers that the kernel refuses.
  bool Load(const BpfReferences &references, int target_id, int32_t dropped = -1);
  bool AttachToCgroup(int cgroup);
  bool AttachToTracepoint();
  void Fail(const char *step, int error, const std::string &log = "");

  const BpfProgramSpec &spec() const { return spec_; }
  int fd() const { return fd_; }
  int error() const { return error_; }  // errno of the step that failed
  const char *step() const { return step_; }
  const std::string &log() const { return log_; }

 private:
  bool Attach(int result);

  const BpfProgramSpec &spec_;
  int fd_ = -1, link_ = -1, error_ = 0;
  const char *step_ = "";
  std::string log_;
};

// Reads all that an iterator program writes. Returns octets, or -errno (-ENOBUFS: `size` is too small).
// `pid` restricts it to one process; 0: all.
int RunBpfIterator(int program, uint32_t pid, uint8_t *into, size_t size);

#endif
