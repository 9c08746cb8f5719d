#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "driver/redis/resolver.hpp"
#include "driver/redis/tls.hpp"
#include "nodepool/result.hpp"
#include "nodepool/types.hpp"

namespace nodepool::redis {

/// A byte stream to a server (TCP or Unix socket, with or without TLS): non-blocking, every wait has a
/// deadline. Belongs to one thread. An error closes nothing by itself: the owner drops the object.
class Transport {
 public:
  Transport() = default;
  ~Transport() { close(); }
  Transport(Transport&& other) noexcept;
  Transport& operator=(Transport&& other) noexcept;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// Starts to connect; `continue_connect` goes on whenever poll() says that the socket has what it `awaits`.
  static Result<Transport> start_connect(const SocketAddress& address, const TlsPeer& peer = {});
  /// The next step, without waiting; true once the connection stands. `unavailable` with the reason if it
  /// does not come about; with TLS also `permission_denied` and `unsupported`, as TlsStream.
  [[nodiscard]] Result<bool> continue_connect();
  /// Connects to the first address that accepts, and whose server is the one that is expected.
  static Result<Transport> connect(std::span<const SocketAddress> addresses, MonotonicTime deadline,
                                   const TlsPeer& peer = {});

  /// Sends everything, or `unavailable`: then the peer has not got the end of it.
  [[nodiscard]] Result<void> send(std::string_view bytes, MonotonicTime deadline);
  /// Receives at least one byte into the buffer; `outcome_unknown` after the deadline or at the end of the
  /// stream.
  [[nodiscard]] Result<std::size_t> receive(std::span<char> buffer, MonotonicTime deadline);
  /// As `receive`, without waiting: 0 if nothing has come yet.
  [[nodiscard]] Result<std::size_t> try_receive(std::span<char> buffer);
  /// Whether more has come of which poll() knows nothing.
  [[nodiscard]] bool is_pending() const noexcept { return tls_ && tls_->is_pending(); }
  /// The poll() events for which the connection waits: to come about, or to receive.
  [[nodiscard]] short awaits() const noexcept;

  /// True if something has come unasked: then the peer has closed the stream, or it is not the protocol we
  /// know.
  [[nodiscard]] bool is_stale() noexcept;
  /// The address it is connected to; of size 0 if it is not.
  [[nodiscard]] SocketAddress peer() const noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_; }
  void close() noexcept;

 private:
  explicit Transport(int fd) noexcept : fd_(fd) {}
  static Result<Transport> connect_one(const SocketAddress& address, MonotonicTime deadline,
                                       const TlsPeer& peer);
  /// Sends what can be sent now.
  Result<std::size_t> send_some(std::string_view bytes);

  int fd_ = -1;
  bool is_connected_ = false;     ///< As far as the socket goes.
  std::optional<TlsStream> tls_;  ///< On the socket.
};

/// What poll() takes until the instant, rounded up, at least 0.
int poll_milliseconds(MonotonicTime until) noexcept;

}  // namespace nodepool::redis
