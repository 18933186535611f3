// Clocks, clock_gettime(2), and the start-up protocol of systemd, sd_notify(3).
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <cerrno>
#include <cstring>

#include "abi.h"
#include "addon.h"
#include "arguments.h"
#include "netns.h"

namespace {

constexpr int kAttempts = 8;
constexpr double kGoodEnough = 2;  // microseconds; four readings take 0.2
constexpr double kLongest = 1e18;

double Microseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

int Notify(const std::string &path, const std::string &text) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return -EINVAL;
  memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';  // abstract namespace, unix(7)
  const socklen_t length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const Descriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return -errno;
  const ssize_t sent = sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                              reinterpret_cast<sockaddr *>(&address), length);
  return sent >= 0 ? 0 : -errno;
}

}  // namespace

// (out Float64Array[kClocks]) -> 0: all three at the same moment. A thread that loses its processor between two readings
// would place packets milliseconds away from the events they belong to, so the readings that took the shortest count.
napi_value Clocks(napi_env env, napi_callback_info info) {
  const Arguments<1> in(env, info);
  const Span<double> out = in.Array<double>(0);
  if (out.length < kClocks) return ToInt(env, -EINVAL);
  double shortest = kLongest;
  for (int attempt = 0; attempt < kAttempts && shortest > kGoodEnough; attempt++) {
    const double before = Microseconds(CLOCK_BOOTTIME);
    const double realtime = Microseconds(CLOCK_REALTIME);
    const double monotonic = Microseconds(CLOCK_MONOTONIC);
    const double took = Microseconds(CLOCK_BOOTTIME) - before;
    if (took >= shortest) continue;
    shortest = took;
    out.data[kRealtime] = realtime;
    out.data[kBoottime] = before + took / 2;
    out.data[kMonotonic] = monotonic;
  }
  return ToInt(env, 0);
}

// (socketPath, text) -> 0 or -errno
napi_value SdNotify(napi_env env, napi_callback_info info) {
  const Arguments<2> in(env, info);
  return ToInt(env, Notify(in.Text(0), in.Text(1)));
}
