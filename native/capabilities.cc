// Capabilities, capabilities(7): reading them, and giving up all but a few for the whole process.
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "abi.h"
#include "addon.h"
#include "arguments.h"
#include "netns.h"

namespace {

constexpr int kCapabilities = 64;  // bits of the two words; the kernel says which exist

constexpr uint64_t Bit(int capability) { return uint64_t{1} << capability; }

struct CapabilityMasks {
  uint64_t effective = 0, permitted = 0, inheritable = 0;
};

int GetMasks(CapabilityMasks *masks) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};  // 0: this thread
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, data) != 0) return -errno;
  masks->effective = data[0].effective | uint64_t{data[1].effective} << 32;
  masks->permitted = data[0].permitted | uint64_t{data[1].permitted} << 32;
  masks->inheritable = data[0].inheritable | uint64_t{data[1].inheritable} << 32;
  return 0;
}

int SetMasks(const CapabilityMasks &masks) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  const auto word = [](uint64_t mask, size_t i) { return static_cast<uint32_t>(mask >> (32 * i)); };
  for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
    data[i] = {word(masks.effective, i), word(masks.permitted, i), word(masks.inheritable, i)};
  return syscall(SYS_capset, &header, data) == 0 ? 0 : -errno;
}

uint64_t BoundingMask() {
  uint64_t mask = 0;
  for (int c = 0; c < kCapabilities; c++)
    if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1) mask |= Bit(c);  // -1 above the last one
  return mask;
}

// Keeps `keep` and nothing else, as `uid` and `gid`, for this thread and whatever it executes. The system calls are
// raw because glibc's wrappers of setresuid() and its like would change every thread of the process.
int Reduce(uint64_t keep, uid_t uid, gid_t gid) {
  const uint64_t bounding = BoundingMask();
  for (int c = 0; c < kCapabilities; c++) {
    const bool drop = (bounding & ~keep & Bit(c)) != 0;
    // Needs CAP_SETPCAP. Only root gets the bounding set back by execve(); for others no_new_privs bars that way.
    if (drop && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0 && uid == 0) return -errno;
  }
  if (uid != geteuid() || gid != getegid()) {
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return -errno;
    if (syscall(SYS_setgroups, 1, &gid) != 0) return -errno;
    if (syscall(SYS_setresgid, gid, gid, gid) != 0) return -errno;
    if (syscall(SYS_setresuid, uid, uid, uid) != 0) return -errno;
  }
  if (const int failed = SetMasks({keep, keep, keep}); failed != 0) return failed;
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return -errno;
  for (int c = 0; c < kCapabilities; c++) {
    const bool raise = (keep & Bit(c)) != 0;  // ambient: survives execve() of a user who is not root
    if (raise && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) != 0) return -errno;
  }
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno;
}

// libuv marks the standard descriptors close-on-exec when node starts. Other inherited ones stay so and are closed.
void KeepStandardDescriptors(int flags) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) fcntl(fd, F_SETFD, flags);
}

std::vector<char *> Pointers(std::vector<std::string> *texts) {
  std::vector<char *> pointers;
  for (std::string &text : *texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

// (out Float64Array[kCapabilitySets]) -> 0 or -errno
napi_value Capabilities(napi_env env, napi_callback_info info) {
  const Arguments<1> in(env, info);
  const Span<double> out = in.Array<double>(0);
  CapabilityMasks masks;
  if (out.length < kCapabilitySets) return ToInt(env, -EINVAL);
  if (const int failed = GetMasks(&masks); failed != 0) return ToInt(env, failed);
  out.data[kEffective] = static_cast<double>(masks.effective);
  out.data[kPermitted] = static_cast<double>(masks.permitted);
  out.data[kBounding] = static_cast<double>(BoundingMask());
  return ToInt(env, 0);
}

// (keepMask, uid, gid, path, argv[], envp[]) -> -errno; returns only when it failed.
// Executes `path` in this process (same pid) with the capabilities of keepMask that this thread has. Credentials
// belong to threads, so all happens on one of its own: a step that fails takes its half-done work with it, and
// execve() from there ends every other thread, execve(2).
napi_value ExecReduced(napi_env env, napi_callback_info info) {
  const Arguments<6> in(env, info);
  const std::string path = in.Text(3);
  std::vector<std::string> arguments = in.Texts(4), environment = in.Texts(5);
  const std::vector<char *> argv = Pointers(&arguments), envp = Pointers(&environment);
  CapabilityMasks masks;
  if (const int failed = GetMasks(&masks); failed != 0) return ToInt(env, failed);
  const uint64_t keep = static_cast<uint64_t>(in.Number(0)) & masks.permitted & BoundingMask();
  int result = 0;
  auto reduce = [&] {
    result = Reduce(keep, static_cast<uid_t>(in.Number(1)), static_cast<gid_t>(in.Number(2)));
    if (result != 0) return;
    KeepStandardDescriptors(0);
    execve(path.c_str(), argv.data(), envp.data());
    result = -errno;
    KeepStandardDescriptors(FD_CLOEXEC);
  };
  const int started = RunOnOwnThread(reduce);
  return ToInt(env, started != 0 ? -started : result);
}
