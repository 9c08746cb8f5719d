#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "nodepool/redis.hpp"
#include "nodepool/result.hpp"

namespace nodepool::redis {

/// What all TLS connections of a driver share: whom they trust, and what they prove. Immutable, hence usable
/// from any thread.
class TlsContext {
 public:
  /// Reads the files once; a certificate that is replaced takes a new driver. `invalid_argument` names the
  /// file that cannot be used.
  static Result<std::shared_ptr<const TlsContext>> load(const RedisTls& options);
  /// The same, or nothing if the options want no TLS.
  static Result<std::shared_ptr<const TlsContext>> load_if_wanted(const RedisTls& options);

  struct Native;  ///< OpenSSL's part of it.
  explicit TlsContext(std::unique_ptr<Native> native) noexcept;
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  [[nodiscard]] const Native& native() const noexcept { return *native_; }

 private:
  std::unique_ptr<Native> native_;
};

/// Who is expected at the other end of a connection.
struct TlsPeer {
  std::shared_ptr<const TlsContext> context;  ///< None: a connection without TLS.
  std::string host;                           ///< The name or address that the certificate must be for.
};

/// TLS on a socket that somebody else owns, connects, waits for and closes. Never blocks: a step that cannot
/// be finished now is to be taken again once the socket has one of the events `awaits`. Nothing is said at
/// the end, so that a child of a fork cannot end its parent's connection. Belongs to one thread.
class TlsStream {
 public:
  static Result<TlsStream> create(const TlsPeer& peer, int fd);
  TlsStream(TlsStream&&) noexcept;
  TlsStream& operator=(TlsStream&&) noexcept;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  ~TlsStream();

  /// The next step of the handshake; true once it is done. `permission_denied` if the server's certificate or
  /// ours is refused, `unsupported` if it does not speak our TLS, `unavailable` for what may pass.
  [[nodiscard]] Result<bool> handshake();
  /// How much of the bytes was taken, 0 if none can be taken now. `unavailable` at the end of the stream.
  [[nodiscard]] Result<std::size_t> write(std::string_view bytes);
  /// How much was received, 0 if nothing is there yet. `outcome_unknown` at the end of the stream;
  /// `permission_denied` if the server has refused our certificate (it says so only now).
  [[nodiscard]] Result<std::size_t> read(std::span<char> buffer);

  /// The poll() events after which the step that was not finished can go on.
  [[nodiscard]] short awaits() const noexcept;
  /// Whether there is something to read of which poll() knows nothing.
  [[nodiscard]] bool is_pending() const noexcept;
  /// True if data has come, or the end of the stream. What TLS itself sends unasked (tickets) is digested.
  [[nodiscard]] bool is_stale() noexcept;

 private:
  struct State;
  explicit TlsStream(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace nodepool::redis
