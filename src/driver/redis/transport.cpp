#include "driver/redis/transport.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

namespace nodepool::redis {
namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

/// True once the descriptor has one of the events (or an error, which the next call on it will tell).
bool wait_for(int fd, short events, MonotonicTime deadline) {
  while (true) {
    pollfd waiting{fd, events, 0};
    const int ready = ::poll(&waiting, 1, poll_milliseconds(deadline));
    if (ready > 0) return true;
    if (ready == 0 && BootClock::now() >= deadline) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

int poll_milliseconds(MonotonicTime until) noexcept {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - BootClock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

Transport::Transport(Transport&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Transport& Transport::operator=(Transport&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

void Transport::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<Transport> Transport::start_connect(const SocketAddress& address) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failure(ErrorCode::unavailable, fmt::format("no socket: {}", reason(errno)));
  Transport transport(fd);
  if (address.family() != AF_UNIX) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  }
  const auto* target = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(fd, target, address.size) != 0 && errno != EINPROGRESS && errno != EINTR) {
    return failure(ErrorCode::unavailable, reason(errno));
  }
  return transport;
}

Result<void> Transport::finish_connect() const {
  int error = 0;
  socklen_t size = sizeof(error);
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return failure(ErrorCode::unavailable, reason(error));
  return {};
}

Result<Transport> Transport::connect(std::span<const SocketAddress> addresses, MonotonicTime deadline) {
  Error last{ErrorCode::unavailable, "it has no address"};
  for (std::size_t index = 0; index < addresses.size(); ++index) {
    // Each address gets its share of the time that is left, so that a silent one does not hide the next.
    const auto now = BootClock::now();
    const auto share = (deadline - now) / static_cast<std::int64_t>(addresses.size() - index);
    auto transport = start_connect(addresses[index]);
    if (!transport) {
      last = transport.error();
    } else if (!wait_for(transport->fd(), POLLOUT, now + share)) {
      last.message = "no answer in time";
    } else if (auto connected = transport->finish_connect(); !connected) {
      last = connected.error();
    } else {
      return transport;
    }
  }
  return tl::unexpected(std::move(last));
}

Result<void> Transport::send(std::string_view bytes, MonotonicTime deadline) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (sent < 0 && !would_block(errno)) return failure(ErrorCode::unavailable, reason(errno));
    if (!wait_for(fd_, POLLOUT, deadline)) {
      return failure(ErrorCode::unavailable, "it did not take the request in time");
    }
  }
  return {};
}

Result<std::size_t> Transport::receive(std::span<char> buffer, MonotonicTime deadline) {
  while (true) {
    const auto received = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (received > 0) return static_cast<std::size_t>(received);
    if (received == 0) return failure(ErrorCode::outcome_unknown, "it closed the connection");
    if (!would_block(errno)) return failure(ErrorCode::outcome_unknown, reason(errno));
    if (!wait_for(fd_, POLLIN, deadline)) {
      return failure(ErrorCode::outcome_unknown, "it did not answer in time");
    }
  }
}

bool Transport::is_stale() const noexcept {
  pollfd waiting{fd_, POLLIN, 0};
  return ::poll(&waiting, 1, 0) != 0;
}

SocketAddress Transport::peer() const noexcept {
  SocketAddress address;
  address.size = sizeof(address.storage);
  if (::getpeername(fd_, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) address.size = 0;
  return address;
}

}  // namespace nodepool::redis
