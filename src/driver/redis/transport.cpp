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
  while (BootClock::now() < deadline) {
    pollfd waiting{fd, events, 0};
    const int ready = ::poll(&waiting, 1, poll_milliseconds(deadline));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
  return false;
}

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

int poll_milliseconds(MonotonicTime until) noexcept {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - BootClock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

Transport::Transport(Transport&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      is_connected_(other.is_connected_),
      tls_(std::exchange(other.tls_, std::nullopt)) {}

Transport& Transport::operator=(Transport&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(is_connected_, other.is_connected_);
  std::swap(tls_, other.tls_);
  return *this;
}

void Transport::close() noexcept {
  tls_.reset();
  is_connected_ = false;
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<Transport> Transport::start_connect(const SocketAddress& address, const TlsPeer& peer) {
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
  if (peer.context != nullptr) {
    auto tls = TlsStream::create(peer, fd);
    if (!tls) return tl::unexpected(std::move(tls.error()));
    transport.tls_ = *std::move(tls);
  }
  return transport;
}

Result<bool> Transport::continue_connect() {
  if (!is_connected_) {
    int error = 0;
    socklen_t size = sizeof(error);
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return failure(ErrorCode::unavailable, reason(error));
    is_connected_ = true;
  }
  return tls_ ? tls_->handshake() : true;
}

Result<Transport> Transport::connect_one(const SocketAddress& address, MonotonicTime deadline,
                                         const TlsPeer& peer) {
  auto transport = start_connect(address, peer);
  if (!transport) return transport;
  while (wait_for(transport->fd(), transport->awaits(), deadline)) {
    const auto connected = transport->continue_connect();
    if (!connected) return tl::unexpected(connected.error());
    if (*connected) return transport;
  }
  return failure(ErrorCode::unavailable,
                 transport->is_connected_
                     ? "it did not finish the TLS handshake in time (does it speak TLS at this port?)"
                     : "no answer in time");
}

Result<Transport> Transport::connect(std::span<const SocketAddress> addresses, MonotonicTime deadline,
                                     const TlsPeer& peer) {
  Error worst{ErrorCode::unavailable, "it has no address"};
  for (std::size_t index = 0; index < addresses.size(); ++index) {
    // Each address gets its share of the time that is left, so that a silent one does not hide the next.
    const auto now = BootClock::now();
    const auto share = (deadline - now) / static_cast<std::int64_t>(addresses.size() - index);
    auto transport = connect_one(addresses[index], now + share, peer);
    if (transport) return transport;
    // A server that must not be used says more than one that is not there.
    if (worst.code == ErrorCode::unavailable) worst = std::move(transport.error());
  }
  return tl::unexpected(std::move(worst));
}

short Transport::awaits() const noexcept {
  if (!is_connected_) return POLLOUT;
  return tls_ ? tls_->awaits() : static_cast<short>(POLLIN);
}

Result<std::size_t> Transport::send_some(std::string_view bytes) {
  if (tls_) return tls_->write(bytes);
  const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (would_block(errno)) return 0;
  return failure(ErrorCode::unavailable, reason(errno));
}

Result<void> Transport::send(std::string_view bytes, MonotonicTime deadline) {
  while (!bytes.empty()) {
    const auto sent = send_some(bytes);
    if (!sent) return tl::unexpected(sent.error());
    bytes.remove_prefix(*sent);
    if (*sent == 0 && !wait_for(fd_, tls_ ? tls_->awaits() : static_cast<short>(POLLOUT), deadline)) {
      return failure(ErrorCode::unavailable, "it did not take the request in time");
    }
  }
  return {};
}

Result<std::size_t> Transport::try_receive(std::span<char> buffer) {
  if (tls_) return tls_->read(buffer);
  const auto received = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (received > 0) return static_cast<std::size_t>(received);
  if (received == 0) return failure(ErrorCode::outcome_unknown, "it closed the connection");
  if (would_block(errno)) return 0;
  return failure(ErrorCode::outcome_unknown, reason(errno));
}

Result<std::size_t> Transport::receive(std::span<char> buffer, MonotonicTime deadline) {
  while (true) {
    auto received = try_receive(buffer);
    if (!received || *received > 0) return received;
    if (!wait_for(fd_, awaits(), deadline)) {
      return failure(ErrorCode::outcome_unknown, "it did not answer in time");
    }
  }
}

bool Transport::is_stale() noexcept {
  if (tls_) return tls_->is_stale();
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
