// All BPF programs of a recording with their maps.
#ifndef PCAPID_BPF_HANDLE_H
#define PCAPID_BPF_HANDLE_H

#include <memory>
#include <string>
#include <vector>

#include "bpf/layout.h"
#include "bpf_program.h"
#include "btf.h"

struct BpfOptions {
  std::string cgroup_path;  // of a unified hierarchy; "": one is mounted that nobody else sees
  bool tracing;
  uint32_t socket_ring_bytes, process_ring_bytes;  // powers of two
  uint32_t sockets;                                // in the map "owners"
  uint32_t seen_sets;                              // a power of two
};

// Mounts the unified hierarchy where nobody else sees it. Returns a descriptor that execve() keeps, or -errno.
int MountCgroup();

class BpfHandle {
 public:
  BpfHandle() = default;
  ~BpfHandle() { Close(); }
  BpfHandle(const BpfHandle &) = delete;
  BpfHandle &operator=(const BpfHandle &) = delete;

  // Returns "" when at least one program is attached, else why none is. Then programs() tells of each.
  std::string Open(const BpfOptions &options);
  void Close();

  int MapFd(const char *name) const;           // -1: closed
  int ProgramFd(const char *name) const;       // -1: it is not loaded
  const std::vector<std::unique_ptr<BpfProgram>> &programs() const { return programs_; }

 private:
  std::string CreateMaps(const BpfOptions &options);
  std::string SetLayout(const kernel_layout &layout);
  void Start(BpfProgram *program, const Btf &btf, bool has_layout, int cgroup);

  BpfReferences references_;
  std::vector<std::unique_ptr<BpfProgram>> programs_;
};

#endif
