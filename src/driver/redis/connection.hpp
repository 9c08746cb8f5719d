#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "driver/redis/endpoint.hpp"
#include "driver/redis/resp_codec.hpp"
#include "driver/redis/transport.hpp"
#include "nodepool/redis.hpp"

namespace nodepool::redis {

using Command = std::vector<std::string>;

/// What a connection begins with: the user's authentication, if any.
std::vector<Command> authentication(const RedisOptions& options);

/// What INFO tells of a server.
struct ServerInfo {
  std::string run_id;       ///< New at each start of the server.
  bool is_replica = false;  ///< Of another server: what it says is out of date, and it takes no writes.
  unsigned replicas = 0;    ///< That follow it.
  enum class Mode { standalone, sentinel, cluster };
  Mode mode = Mode::standalone;
};
/// Of the sections "server" and "replication". `unsupported` if the server is older than 6.2 or is none that
/// we know.
Result<ServerInfo> parse_server_info(std::string_view info, std::string_view server);

/// A greeted connection: authenticated, on its database, with a server that is new enough. Belongs to one
/// thread. After any error it must be dropped: a late reply must never be taken for the reply of another
/// call.
class Connection {
 public:
  /// `tls`: of the options, none without TLS. Errors: `unavailable`, `permission_denied`, `unsupported`.
  static Result<Connection> open(const RedisOptions& options, const std::shared_ptr<const TlsContext>& tls,
                                 const Endpoint& endpoint, std::span<const SocketAddress> addresses,
                                 MonotonicTime deadline);

  /// One command and its reply, which may be the server's error. `unavailable`: not sent; `outcome_unknown`:
  /// sent, but no reply has come by the deadline; `store_corrupt`: what came is no reply.
  [[nodiscard]] Result<Reply> call(const Command& command, MonotonicTime deadline);

  /// The next reply: to what was sent, or what a subscription brings. Errors as of `call`.
  [[nodiscard]] Result<Reply> await(MonotonicTime deadline);

  /// Several commands at once, whose replies are then awaited one by one. `unavailable`: not sent.
  [[nodiscard]] Result<void> send(std::span<const Command> commands, MonotonicTime deadline);

  /// The server as of the greeting: one that starts again closes the connection.
  [[nodiscard]] const ServerInfo& server() const noexcept { return info_; }
  [[nodiscard]] bool is_stale() noexcept { return transport_.is_stale(); }
  [[nodiscard]] SocketAddress peer() const noexcept { return transport_.peer(); }

 private:
  Connection(Transport transport, std::string name)
      : transport_(std::move(transport)), name_(std::move(name)) {}
  Result<void> greet(const RedisOptions& options, MonotonicTime deadline);
  Result<std::vector<Reply>> exchange(std::span<const Command> commands, MonotonicTime deadline);
  Result<Reply> receive(MonotonicTime deadline);

  Transport transport_;
  std::string name_;  ///< Of the server, for people.
  ReplyReader reader_;
  bool has_answered_ = false;  ///< Anything at all.
  ServerInfo info_;
};

}  // namespace nodepool::redis
