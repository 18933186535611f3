#include "bpf_handle.h"

#include <fcntl.h>
#include <sys/random.h>

#include "bpf_layout.h"
#include "bpf_map.h"
#include "netns.h"

namespace {

struct MapSpec {
  const char *name;
  BpfMapShape shape;
  uint32_t BpfOptions::*entries = nullptr;  // what the caller decides
};

constexpr MapSpec kMaps[] = {
    {"owners", {kMapLruHash, sizeof(uint64_t), sizeof(owner), 0}, &BpfOptions::sockets},
    {"seen", {kMapArray, sizeof(uint32_t), sizeof(seen_set), 0}, &BpfOptions::seen_sets},
    {"namespaces", {kMapArray, sizeof(uint32_t), sizeof(netns_number), NETNS_SLOTS}},
    {"sockets", {kMapRing, 0, 0, 0}, &BpfOptions::socket_ring_bytes},
    {"processes", {kMapRing, 0, 0, 0}, &BpfOptions::process_ring_bytes},
    {"lost", {kMapArray, sizeof(uint32_t), sizeof(uint64_t), LOST_RINGS}},
    {"scratch_area", {kMapPerCpuArray, sizeof(uint32_t), sizeof(scratch), 1}},
};

// In the order in which they start: owners are known before their packets are seen.
constexpr BpfProgramSpec kPrograms[] = {
    {"fork", "tp_btf/fork", kProgTracing, kTraceRawTp, "btf_trace_sched_process_fork"},
    {"exec", "tp_btf/exec", kProgTracing, kTraceRawTp, "btf_trace_sched_process_exec"},
    {"exit", "tp_btf/exit", kProgTracing, kTraceRawTp, "btf_trace_sched_process_exit"},
    {"task_file", "iter/task_file", kProgTracing, kTraceIter, "bpf_iter_task_file"},
    {"send_length", "tp_btf/sent", kProgTracing, kTraceRawTp, "btf_trace_sock_send_length"},
    {"recv_length", "tp_btf/received", kProgTracing, kTraceRawTp, "btf_trace_sock_recv_length"},
    {"set_state", "tp_btf/set_state", kProgTracing, kTraceRawTp, "btf_trace_inet_sock_set_state"},
    {"sock_create", "cgroup/sock_create", kProgCgroupSock, kInetSockCreate},
    {"sock_release", "cgroup/sock_release", kProgCgroupSock, kInetSockRelease},
    {"connect4", "cgroup/connect", kProgCgroupSockAddr, kInet4Connect},
    {"connect6", "cgroup/connect", kProgCgroupSockAddr, kInet6Connect},
    {"sendmsg4", "cgroup/sendmsg", kProgCgroupSockAddr, kUdp4Sendmsg},
    {"sendmsg6", "cgroup/sendmsg", kProgCgroupSockAddr, kUdp6Sendmsg},
    {"skb_egress", "cgroup_skb/egress", kProgCgroupSkb, kInetEgress},
    {"skb_ingress", "cgroup_skb/ingress", kProgCgroupSkb, kInetIngress},
};

std::string Trouble(const char *what, int error) { return std::string(what) + ": " + strerror(error); }

// Returns a descriptor of the root of the unified hierarchy, or -errno.
int OpenCgroup(const std::string &path) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  if (!path.empty()) {
    const int fd = open(path.c_str(), kFlags);
    return fd >= 0 ? fd : -errno;
  }
  const int mount = MountCgroup();
  if (mount < 0) return mount;
  const Descriptor mounted(mount);
  const int fd = openat(mount, ".", kFlags);
  return fd >= 0 ? fd : -errno;
}

}  // namespace

// fsopen, fsconfig, fsmount (Linux 5.2): a mount without a place, gone with its last descriptor.
int MountCgroup() {
  constexpr long kFsopen = 430, kFsconfig = 431, kFsmount = 432;
  constexpr unsigned kCloseOnExec = 1, kCreate = 6;
  const Descriptor context(static_cast<int>(syscall(kFsopen, "cgroup2", kCloseOnExec)));
  if (context.get() < 0) return -errno;
  if (syscall(kFsconfig, context.get(), kCreate, nullptr, nullptr, 0) != 0) return -errno;
  const int mount = static_cast<int>(syscall(kFsmount, context.get(), 0, 0));
  return mount >= 0 ? mount : -errno;
}

std::string BpfHandle::CreateMaps(const BpfOptions &options) {
  size_t count = 0;
  const char *const *names = BpfMapNames(&count);
  for (size_t i = 0; i < count; i++) {
    for (const MapSpec &map : kMaps) {
      if (strcmp(map.name, names[i]) != 0) continue;
      BpfMapShape shape = map.shape;
      if (map.entries != nullptr) shape.entries = options.*map.entries;
      const int fd = CreateBpfMap(map.name, shape);
      if (fd < 0) return Trouble(map.name, -fd);
      references_.maps.push_back(fd);
    }
    if (references_.maps.size() != i + 1) return Trouble(names[i], ENOENT);
  }
  return "";
}

std::string BpfHandle::SetLayout(const kernel_layout &layout) {
  if (references_.layout >= 0) close(references_.layout);  // programs that use it keep it
  references_.layout = CreateBpfConstants("layout", &layout, sizeof layout);
  return references_.layout < 0 ? Trouble("layout", -references_.layout) : "";
}

std::string BpfHandle::Open(const BpfOptions &options) {
  kernel_layout layout{};
  Btf btf;
  const int no_btf = btf.Open();
  const std::string no_layout = no_btf != 0 ? Trouble("/sys/kernel/btf/vmlinux", no_btf) : FillLayout(btf, &layout);
  layout.socket_ring_bytes = options.socket_ring_bytes;
  layout.process_ring_bytes = options.process_ring_bytes;
  layout.seen_sets = options.seen_sets;
  if (getrandom(&layout.seed, sizeof layout.seed, 0) != sizeof layout.seed) return Trouble("getrandom", errno);

  if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) return "the programs are for little-endian machines";
  if (std::string trouble = CreateMaps(options); !trouble.empty()) return trouble;
  if (std::string trouble = SetLayout(layout); !trouble.empty()) return trouble;
  const Descriptor cgroup(OpenCgroup(options.cgroup_path));
  const int no_cgroup = cgroup.get() < 0 ? errno : 0;

  bool any = false;
  for (const BpfProgramSpec &spec : kPrograms) {
    if (spec.is_tracing() && !options.tracing) continue;
    programs_.push_back(std::make_unique<BpfProgram>(spec));
    BpfProgram *program = programs_.back().get();
    if (spec.is_tracing() && !no_layout.empty()) program->Fail("layout", ENOENT, no_layout);
    else if (!spec.is_tracing() && no_cgroup != 0) program->Fail("cgroup", no_cgroup);
    else Start(program, btf, no_layout.empty(), cgroup.get());
    any = any || program->error() == 0;
    if (strcmp(spec.name, "set_state") != 0 || program->error() != 0) continue;
    layout.tcp_is_traced = 1;
    if (std::string trouble = SetLayout(layout); !trouble.empty()) return trouble;
  }
  const BpfProgram &last = *programs_.back();
  return any ? "" : Trouble((std::string(last.spec().name) + ", " + last.step()).c_str(), last.error());
}

void BpfHandle::Start(BpfProgram *program, const Btf &btf, bool has_layout, int cgroup) {
  const BpfProgramSpec &spec = program->spec();
  int target = 0;
  if (spec.is_tracing()) {
    target = btf.Find(spec.target, spec.attach_type == kTraceIter ? Btf::kFunction : Btf::kTypedef);
    if (target < 0) return program->Fail("find", ENOENT, spec.target);
  }
  // Without the layout nothing can be read by its offsets.
  if (!program->Load(references_, target, has_layout ? -1 : kProbeReadKernel)) return;
  if (!spec.is_tracing()) program->AttachToCgroup(cgroup);
  else if (spec.attach_type != kTraceIter) program->AttachToTracepoint();
}

void BpfHandle::Close() {
  programs_.clear();
  for (const int fd : references_.maps) close(fd);
  if (references_.layout >= 0) close(references_.layout);
  references_ = BpfReferences();
}

int BpfHandle::MapFd(const char *name) const {
  size_t count = 0;
  const char *const *names = BpfMapNames(&count);
  for (size_t i = 0; i < references_.maps.size(); i++)
    if (strcmp(names[i], name) == 0) return references_.maps[i];
  return -1;
}

int BpfHandle::ProgramFd(const char *name) const {
  for (const auto &program : programs_)
    if (program->error() == 0 && strcmp(program->spec().name, name) == 0) return program->fd();
  return -1;
}
