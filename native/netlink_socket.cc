// Netlink sockets, netlink(7): bytes out, bytes in. Messages are built and parsed in src/linux.
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "addon.h"
#include "arguments.h"
#include "netns.h"

namespace {

int Open(int protocol, uint32_t groups, int receive_buffer_bytes) {
  Descriptor fd(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (fd.get() < 0) return -errno;
  if (receive_buffer_bytes > 0) {
    const int bytes = receive_buffer_bytes;
    // FORCE passes net.core.rmem_max and needs CAP_NET_ADMIN; a smaller buffer only means earlier ENOBUFS.
    if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
      setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;  // bit n - 1 is group n
  if (bind(fd.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) return -errno;
  return fd.release();
}

int Send(int fd, Span<uint8_t> bytes, size_t length) {
  if (length > bytes.length) return -EINVAL;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent =
      sendto(fd, bytes.data, length, MSG_DONTWAIT, reinterpret_cast<sockaddr *>(&kernel), sizeof kernel);
  return sent >= 0 ? static_cast<int>(sent) : -errno;
}

// One datagram of the kernel, without waiting. Other processes may send to this socket as well: theirs are dropped.
int ReceiveNow(int fd, Span<uint8_t> into) {
  for (;;) {
    sockaddr_nl sender{};
    iovec part{into.data, into.length};
    msghdr message{};
    message.msg_name = &sender;
    message.msg_namelen = sizeof sender;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);
    if (got < 0) return -errno;
    if (sender.nl_pid != 0) continue;
    if ((message.msg_flags & MSG_TRUNC) != 0) return -EMSGSIZE;
    return static_cast<int>(got);
  }
}

int Receive(int fd, Span<uint8_t> into, int timeout_ms) {
  const int got = ReceiveNow(fd, into);
  if (got != -EAGAIN || timeout_ms <= 0) return got;
  pollfd polled{fd, POLLIN, 0};
  if (poll(&polled, 1, timeout_ms) <= 0) return -EAGAIN;  // a signal too: the caller looks at its messages
  return ReceiveNow(fd, into);
}

}  // namespace

// (protocol, groups, receiveBufferBytes, netnsPath) -> descriptor or -errno
napi_value NetlinkOpen(napi_env env, napi_callback_info info) {
  const Arguments<4> in(env, info);
  int fd = -1;
  auto open = [&] { fd = Open(in.Int(0), static_cast<uint32_t>(in.Number(1)), in.Int(2)); };
  const int failed = RunInNetns(in.Text(3), open);
  return ToInt(env, failed != 0 ? -failed : fd);
}

// (fd, bytes Uint8Array, length) -> octets or -errno
napi_value NetlinkSend(napi_env env, napi_callback_info info) {
  const Arguments<3> in(env, info);
  return ToInt(env, Send(in.Int(0), in.Array<uint8_t>(1), static_cast<size_t>(std::max(in.Int(2), 0))));
}

// (fd, into Uint8Array, timeoutMs) -> octets or -errno: EAGAIN nothing came, ENOBUFS messages were lost,
// EMSGSIZE the message was longer than `into` and is gone
napi_value NetlinkReceive(napi_env env, napi_callback_info info) {
  const Arguments<3> in(env, info);
  return ToInt(env, Receive(in.Int(0), in.Array<uint8_t>(1), in.Int(2)));
}

// (fd, request Uint8Array, requestLength, reply Uint8Array, timeoutMs) -> octets of one reply or -errno.
// One crossing for an exact look-up; the caller compares the sequence number.
napi_value NetlinkRequest(napi_env env, napi_callback_info info) {
  const Arguments<5> in(env, info);
  const int sent = Send(in.Int(0), in.Array<uint8_t>(1), static_cast<size_t>(std::max(in.Int(2), 0)));
  return ToInt(env, sent < 0 ? sent : Receive(in.Int(0), in.Array<uint8_t>(3), in.Int(4)));
}
