#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "driver/redis/connection.hpp"
#include "driver/redis/hint_listener.hpp"
#include "driver/redis/locator.hpp"
#include "driver/redis/master_watch.hpp"
#include "driver/redis/script_run.hpp"
#include "driver/redis/scripts.hpp"
#include "nodepool/driver.hpp"

namespace nodepool::redis {

/// A pool's line to the server that has its keys, wherever that is at present: one connection for calls, made
/// when a call needs it, one for hints, and one to a Sentinel, if there are any.
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
  /// Asks whether the connection still leads to the master, if that is in doubt.
  void verify_master(MonotonicTime deadline);
  /// One attempt to find the server and to connect to it.
  Result<void> find_server(MonotonicTime deadline);
  Result<Connection> open(const Endpoint& server, MonotonicTime deadline);
  /// Runs a script where the keys are, however often it is sent elsewhere; a server's error becomes ours.
  Result<ScriptResult> run(const ScriptOrder& order, MonotonicTime deadline);
  /// Runs it once, and once more if that server asks another one to be asked.
  Result<ScriptResult> run_once(const ScriptOrder& order, MonotonicTime deadline);
  /// True if the server's error was that the keys are elsewhere: then it is worth to ask again.
  bool follow(const std::string& error);
  /// The error of a heartbeat that too few replicas have confirmed.
  [[nodiscard]] std::string name_missing_rights(Connection& connection, MonotonicTime deadline) const;
  Error unconfirmed(const ScriptResult& result);
  /// Whether the server can be replaced by one that does not know what it has answered.
  [[nodiscard]] bool can_be_undone() const;

  std::shared_ptr<const RedisOptions> options_;
  std::shared_ptr<const TlsContext> tls_;
  ServiceName service_;
  Resolver resolver_;
  std::unique_ptr<Locator> locator_;
  BackOff back_off_;
  Error last_failure_;          ///< Of the last attempt to connect.
  Endpoint server_;             ///< Of the connection.
  std::string last_refusal_;    ///< The server's words when it last denied a right.
  std::string missing_rights_;  ///< What that was about, for people.
  bool doubts_master_ = false;  ///< A switch of the master may have gone unheard.
  std::optional<Connection> connection_;
  HintListener listener_;
  std::optional<MasterWatch> watch_;
};

}  // namespace nodepool::redis
