// Runs code inside another network namespace without moving a JavaScript thread there.
#ifndef PCAPID_NETNS_H
#define PCAPID_NETNS_H

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <string>

// A descriptor that is closed at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  int get() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

// Runs `body` on a thread that ends with it, and waits. What the kernel keeps per thread (namespace, credentials,
// capabilities) so stays as it was for everybody else. Returns 0 or an errno.
template <typename Body>
int RunOnOwnThread(Body &body) {
  const auto run = [](void *b) -> void * {
    (*static_cast<Body *>(b))();
    return nullptr;
  };
  pthread_t thread;
  const int failed = pthread_create(&thread, nullptr, run, &body);
  if (failed == 0) pthread_join(thread, nullptr);
  return failed;
}

// Runs `body` in the network namespace behind `path` (/proc/PID/ns/net, /run/netns/NAME), or right here when `path`
// is empty. Returns 0, or the errno of the step that failed; then `body` has not run. setns(2) needs CAP_SYS_ADMIN.
template <typename Body>
int RunInNetns(const std::string &path, Body &body) {
  if (path.empty()) {
    body();
    return 0;
  }
  // O_NONBLOCK: a path that names a FIFO must not hang.
  const Descriptor netns(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (netns.get() < 0) return errno;
  int entered = 0;
  auto inside = [&] {
    entered = setns(netns.get(), CLONE_NEWNET) == 0 ? 0 : errno;
    if (entered == 0) body();
  };
  const int started = RunOnOwnThread(inside);
  return started != 0 ? started : entered;
}

#endif
