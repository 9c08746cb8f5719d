#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "driver/redis/resolver.hpp"
#include "nodepool/result.hpp"
#include "nodepool/types.hpp"

namespace nodepool::redis {

/// A byte stream to a server (TCP or Unix socket): non-blocking, every wait has a deadline. Belongs to one
/// thread. An error closes nothing by itself: the owner drops the object.
class Transport {
 public:
  Transport() = default;
  ~Transport() { close(); }
  Transport(Transport&& other) noexcept;
  Transport& operator=(Transport&& other) noexcept;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// Starts to connect; done once the socket is writable and `finish_connect` says so.
  static Result<Transport> start_connect(const SocketAddress& address);
  /// Whether the started connection has come about; `unavailable` with the system's reason if not.
  [[nodiscard]] Result<void> finish_connect() const;
  /// Connects to the first address that accepts.
  static Result<Transport> connect(std::span<const SocketAddress> addresses, MonotonicTime deadline);

  /// Sends everything, or `unavailable`: then the peer has not got the end of it.
  [[nodiscard]] Result<void> send(std::string_view bytes, MonotonicTime deadline);
  /// Receives at least one byte into the buffer; `outcome_unknown` after the deadline or at the end of the
  /// stream.
  [[nodiscard]] Result<std::size_t> receive(std::span<char> buffer, MonotonicTime deadline);

  /// True if something has come unasked: then the peer has closed the stream, or it is not the protocol we
  /// know.
  [[nodiscard]] bool is_stale() const noexcept;
  /// The address it is connected to; of size 0 if it is not.
  [[nodiscard]] SocketAddress peer() const noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_; }
  void close() noexcept;

 private:
  explicit Transport(int fd) noexcept : fd_(fd) {}
  int fd_ = -1;
};

/// What poll() takes until the instant, rounded up, at least 0.
int poll_milliseconds(MonotonicTime until) noexcept;

}  // namespace nodepool::redis
