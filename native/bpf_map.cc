#include "bpf_map.h"

#include <sys/resource.h>

#include "netns.h"

namespace {

constexpr uint32_t kReadOnlyForPrograms = 1 << 7;  // BPF_F_RDONLY_PROG

// Before Linux 5.11 the memory of maps counts as locked. Best effort: past the hard limit needs CAP_SYS_RESOURCE.
void RaiseLockedMemory() {
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_MEMLOCK, &limit) == 0 || getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_MEMLOCK, &limit);
}

int CreateMap(const char *name, const BpfMapShape &shape, uint32_t flags) {
  BpfAttributes attributes;
  attributes.map = {shape.type, shape.key_bytes, shape.value_bytes, shape.entries, flags, 0, 0, ""};
  strncpy(attributes.map.name, name, sizeof attributes.map.name - 1);
  const int fd = Bpf(kMapCreate, &attributes);
  if (fd != -EPERM) return fd;
  RaiseLockedMemory();
  return Bpf(kMapCreate, &attributes);
}

}  // namespace

int CreateBpfMap(const char *name, const BpfMapShape &shape) { return CreateMap(name, shape, 0); }

int CreateBpfConstants(const char *name, const void *value, uint32_t bytes) {
  const uint32_t key = 0;
  Descriptor map(CreateMap(name, {kMapArray, sizeof key, bytes, 1}, kReadOnlyForPrograms));
  if (map.get() < 0) return map.get();
  BpfAttributes update;
  update.element = {static_cast<uint32_t>(map.get()), 0, AddressOf(&key), AddressOf(value), 0};
  if (const int result = Bpf(kMapUpdate, &update); result < 0) return result;
  BpfAttributes freeze;
  freeze.element.map_fd = static_cast<uint32_t>(map.get());
  if (const int result = Bpf(kMapFreeze, &freeze); result < 0) return result;
  return map.release();
}
