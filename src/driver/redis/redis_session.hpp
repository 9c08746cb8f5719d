#pragma once

#include <memory>
#include <optional>

#include "driver/redis/connection.hpp"
#include "driver/redis/hint_listener.hpp"
#include "driver/redis/scripts.hpp"
#include "nodepool/driver.hpp"

namespace nodepool::redis {

/// A pool's line to a server: one connection for calls, made when a call needs it, and one for hints.
class RedisSession final : public Session {
 public:
  /// `tls`: of the options, none without TLS.
  RedisSession(std::shared_ptr<const RedisOptions> options, std::shared_ptr<const TlsContext> tls,
               ServiceName service, std::uint32_t seed);

  [[nodiscard]] Result<SyncReply> sync(const SyncRequest& request, MonotonicTime deadline) override;
  [[nodiscard]] Result<PoolStatus> status(MonotonicTime deadline) override;
  [[nodiscard]] Result<void> request_drain(const NodeId& node, MonotonicTime deadline) override;
  [[nodiscard]] std::vector<Finding> examine(MonotonicTime deadline) override;
  [[nodiscard]] std::vector<Hint> wait(MonotonicTime until, int wake_fd) override;

 private:
  /// Makes the connection, if there is none that is alive, within the deadline and the back-off.
  Result<void> connect(MonotonicTime deadline);
  /// Runs a script; the server's error becomes ours.
  Result<Reply> run(const ScriptCall& call, MonotonicTime deadline);

  std::shared_ptr<const RedisOptions> options_;
  std::shared_ptr<const TlsContext> tls_;
  ServiceName service_;
  Resolver resolver_;
  BackOff back_off_;
  Error last_failure_;  ///< Of the last attempt to connect.
  std::optional<Connection> connection_;
  HintListener listener_;
};

}  // namespace nodepool::redis
