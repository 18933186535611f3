// Waiting: poll(2) over the descriptors of one thread, and eventfd(2) to end it early.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "addon.h"
#include "arguments.h"

namespace {

constexpr size_t kMaxDescriptors = 256;

}  // namespace

// (fds Int32Array, count, ready Uint8Array, timeoutMs) -> how many of `ready` are 1, or -errno.
// A negative descriptor is never ready. Without any, this sleeps. A signal ends it: 0.
napi_value Poll(napi_env env, napi_callback_info info) {
  const Arguments<4> in(env, info);
  const Span<int32_t> fds = in.Array<int32_t>(0);
  const Span<uint8_t> ready = in.Array<uint8_t>(2);
  const size_t count = static_cast<size_t>(std::max(in.Int(1), 0));
  if (count > std::min({fds.length, ready.length, kMaxDescriptors})) return ToInt(env, -EINVAL);
  pollfd polled[kMaxDescriptors];
  for (size_t i = 0; i < count; i++) polled[i] = {fds.data[i], POLLIN, 0};
  const int found = poll(polled, count, std::max(in.Int(3), 0));
  if (found < 0 && errno != EINTR) return ToInt(env, -errno);
  for (size_t i = 0; i < count; i++) {
    const int wanted = POLLIN | POLLERR | POLLHUP | POLLNVAL;  // an interface that goes down is POLLERR
    ready.data[i] = found > 0 && (polled[i].revents & wanted) != 0 ? 1 : 0;
  }
  return ToInt(env, std::max(found, 0));
}

// () -> descriptor or -errno
napi_value WakeCreate(napi_env env, napi_callback_info) {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return ToInt(env, fd >= 0 ? fd : -errno);
}

// (fd) -> 0 or -errno; any thread may call it. EAGAIN: the counter is full, so the other side is awake.
napi_value Wake(napi_env env, napi_callback_info info) {
  const Arguments<1> in(env, info);
  const uint64_t one = 1;
  const bool written = write(in.Int(0), &one, sizeof one) == sizeof one;
  return ToInt(env, written || errno == EAGAIN ? 0 : -errno);
}

// (fd) -> 0 or -errno; afterwards poll() sleeps on it again
napi_value WakeClear(napi_env env, napi_callback_info info) {
  const Arguments<1> in(env, info);
  uint64_t wakes;
  const bool cleared = read(in.Int(0), &wakes, sizeof wakes) == sizeof wakes;
  return ToInt(env, cleared || errno == EAGAIN ? 0 : -errno);
}

// (fd) -> 0 or -errno
napi_value CloseFd(napi_env env, napi_callback_info info) {
  const Arguments<1> in(env, info);
  return ToInt(env, close(in.Int(0)) == 0 ? 0 : -errno);
}
