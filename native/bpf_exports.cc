// The bpf* functions of the addon, and netnsCookie: the number by which the BPF programs call a namespace.
#include <sys/socket.h>

#include <algorithm>

#include "abi.h"
#include "addon.h"
#include "arguments.h"
#include "bpf_handle.h"
#include "bpf_ring.h"
#include "netns.h"

namespace {

constexpr uint32_t kMostEntries = 1 << 22;

// What an external value points at. The tag comes first, so that another kind of handle is recognised.
struct TaggedHandle {
  static constexpr uint64_t kTag = 0x70636170696442;
  const uint64_t tag = kTag;
  BpfHandle value;
};

struct TaggedRing {
  static constexpr uint64_t kTag = 0x70636170696452;
  const uint64_t tag = kTag;
  BpfRing value;
};

template <typename Tagged>
auto *FromExternal(napi_env env, napi_value external) {
  void *data = nullptr;
  const bool is_external = napi_get_value_external(env, external, &data) == napi_ok;
  Tagged *const tagged = is_external ? static_cast<Tagged *>(data) : nullptr;
  return tagged != nullptr && tagged->tag == Tagged::kTag ? &tagged->value : nullptr;
}

template <typename Tagged>
napi_value ToExternal(napi_env env, std::unique_ptr<Tagged> tagged) {
  const auto finalize = [](napi_env, void *data, void *) { delete static_cast<Tagged *>(data); };
  napi_value external = nullptr;
  if (napi_create_external(env, tagged.get(), finalize, nullptr, &external) != napi_ok) return nullptr;
  tagged.release();
  return external;
}

uint32_t Unsigned(double value) { return value >= 0 && value <= UINT32_MAX ? static_cast<uint32_t>(value) : 0; }

napi_value ThrowNoBpf(napi_env env, const std::string &text) {
  napi_throw_error(env, "no-bpf", text.c_str());
  return nullptr;
}

int CookieOfNetns(double *cookie) {
  constexpr int kNetnsCookie = 71;  // SO_NETNS_COOKIE, Linux 5.14
  const Descriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return errno;
  uint64_t value = 0;
  socklen_t length = sizeof value;
  if (getsockopt(fd.get(), SOL_SOCKET, kNetnsCookie, &value, &length) != 0) return errno;
  *cookie = static_cast<double>(value);
  return 0;
}

}  // namespace

// (cgroupPath, tracing, socketRingBytes, processRingBytes, entries, fds Int32Array[kBpfDescriptors]) -> handle; throws
napi_value BpfOpen(napi_env env, napi_callback_info info) {
  const Arguments<6> in(env, info);
  const uint32_t entries = std::min(Unsigned(in.Number(4)), kMostEntries);
  uint32_t seen_sets = 1;
  while (seen_sets * 2 * SEEN_WAYS <= entries) seen_sets *= 2;
  const BpfOptions options{in.Text(0), in.Int(1) != 0, Unsigned(in.Number(2)), Unsigned(in.Number(3)),
                           entries,    seen_sets};
  const Span<int32_t> fds = in.Array<int32_t>(5);
  if (fds.length < kBpfDescriptors) return ThrowNoBpf(env, "no room for the descriptors");
  auto tagged = std::make_unique<TaggedHandle>();
  BpfHandle &handle = tagged->value;
  const std::string trouble = handle.Open(options);
  if (!trouble.empty()) return ThrowNoBpf(env, trouble);
  fds.data[kSocketRing] = handle.MapFd("sockets");
  fds.data[kProcessRing] = handle.MapFd("processes");
  fds.data[kSnapshotProgram] = handle.ProgramFd("task_file");
  fds.data[kLostMap] = handle.MapFd("lost");
  return ToExternal(env, std::move(tagged));
}

// (handle) -> [[name, step, errno, log], ...]
napi_value BpfPrograms(napi_env env, napi_callback_info info) {
  const Arguments<1> in(env, info);
  const BpfHandle *handle = FromExternal<TaggedHandle>(env, in[0]);
  napi_value list = nullptr;
  if (napi_create_array(env, &list) != napi_ok || handle == nullptr) return list;
  uint32_t count = 0;
  for (const auto &program : handle->programs()) {
    const napi_value fields[] = {ToText(env, program->spec().name), ToText(env, program->step()),
                                 ToInt(env, program->error()), ToText(env, program->log())};
    napi_value entry = nullptr;
    if (napi_create_array_with_length(env, 4, &entry) != napi_ok) return nullptr;
    for (uint32_t i = 0; i < 4; i++) napi_set_element(env, entry, i, fields[i]);
    napi_set_element(env, list, count++, entry);
  }
  return list;
}

// (handle) -> 0
napi_value BpfClose(napi_env env, napi_callback_info info) {
  const Arguments<1> in(env, info);
  if (BpfHandle *handle = FromExternal<TaggedHandle>(env, in[0])) handle->Close();
  return ToInt(env, 0);
}

// (fd, ringBytes) -> ring or -errno
napi_value BpfRingOpen(napi_env env, napi_callback_info info) {
  const Arguments<2> in(env, info);
  auto tagged = std::make_unique<TaggedRing>();
  if (const int failed = tagged->value.Open(in.Int(0), Unsigned(in.Number(1)))) return ToInt(env, -failed);
  return ToExternal(env, std::move(tagged));
}

// (ring, into Uint8Array) -> octets
napi_value BpfRingRead(napi_env env, napi_callback_info info) {
  const Arguments<2> in(env, info);
  BpfRing *ring = FromExternal<TaggedRing>(env, in[0]);
  const Span<uint8_t> into = in.Array<uint8_t>(1);
  return ToNumber(env, ring == nullptr ? 0 : static_cast<double>(ring->Read(into.data, into.length)));
}

// (ring) -> 0
napi_value BpfRingClose(napi_env env, napi_callback_info info) {
  const Arguments<1> in(env, info);
  if (BpfRing *ring = FromExternal<TaggedRing>(env, in[0])) ring->Close();
  return ToInt(env, 0);
}

// (programFd, into Uint8Array, pid) -> octets or -errno
napi_value BpfSnapshot(napi_env env, napi_callback_info info) {
  const Arguments<3> in(env, info);
  const Span<uint8_t> into = in.Array<uint8_t>(1);
  return ToInt(env, RunBpfIterator(in.Int(0), Unsigned(in.Number(2)), into.data, into.length));
}

// (mapFd, out Float64Array[LOST_RINGS]) -> 0 or -errno
napi_value BpfLost(napi_env env, napi_callback_info info) {
  const Arguments<2> in(env, info);
  const Span<double> out = in.Array<double>(1);
  if (out.length < LOST_RINGS) return ToInt(env, -EINVAL);
  for (uint32_t ring = 0; ring < LOST_RINGS; ring++) {
    uint64_t count = 0;
    BpfAttributes attributes;
    attributes.element = {static_cast<uint32_t>(in.Int(0)), 0, AddressOf(&ring), AddressOf(&count), 0};
    if (const int result = Bpf(kMapLookup, &attributes); result < 0) return ToInt(env, result);
    out.data[ring] = static_cast<double>(count);
  }
  return ToInt(env, 0);
}

// () -> descriptor of a unified hierarchy that is mounted nowhere, or -errno
napi_value CgroupMount(napi_env env, napi_callback_info) { return ToInt(env, MountCgroup()); }

// (netnsPath) -> cookie or -errno
napi_value NetnsCookie(napi_env env, napi_callback_info info) {
  const Arguments<1> in(env, info);
  double cookie = 0;
  int failed = 0;
  auto ask = [&] { failed = CookieOfNetns(&cookie); };
  const int outside = RunInNetns(in.Text(0), ask);
  if (outside != 0) return ToInt(env, -outside);
  return ToNumber(env, failed != 0 ? -failed : cookie);
}
