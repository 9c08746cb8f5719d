#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "driver/redis/hint_listener.hpp"
#include "driver/redis/master_watch.hpp"
#include "driver/redis/script_line.hpp"
#include "driver/redis/scripts.hpp"
#include "nodepool/driver.hpp"

namespace nodepool::redis {

/// A pool's line to the server that has its keys, wherever that is at present: one connection for calls, made
/// when a call needs it, one for hints, and one to a Sentinel, if there are any.
class RedisSession final : public Session {
 public:
  /// `tls`: of the options, none without TLS.
  RedisSession(std::shared_ptr<const RedisOptions> options, const std::shared_ptr<const TlsContext>& tls,
               ServiceName service, std::uint32_t seed);
  ~RedisSession() override = default;
  RedisSession(const RedisSession&) = delete;
  RedisSession& operator=(const RedisSession&) = delete;

  [[nodiscard]] Result<SyncReply> sync(const SyncRequest& request, MonotonicTime deadline) override;
  [[nodiscard]] Result<PoolStatus> status(MonotonicTime deadline) override;
  [[nodiscard]] Result<void> request_drain(const NodeId& node, MonotonicTime deadline) override;
  [[nodiscard]] std::vector<Finding> examine(MonotonicTime deadline) override;
  [[nodiscard]] std::vector<Hint> wait(MonotonicTime until, int wake_fd) override;

 private:
  /// Whether the server can be replaced by one that does not know what it has answered.
  [[nodiscard]] bool can_be_undone() const;

  std::shared_ptr<const RedisOptions> options_;
  ServiceName service_;
  HintListener listener_;
  ScriptLine line_;
  std::optional<MasterWatch> watch_;
};

}  // namespace nodepool::redis
