#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "driver/redis/back_off.hpp"
#include "driver/redis/connection.hpp"
#include "driver/redis/locator.hpp"
#include "driver/redis/script_run.hpp"

namespace nodepool::redis {

/// The line to the server that has a service's keys, wherever that is at present: one connection, made when a
/// call needs it. Belongs to one thread.
class ScriptLine {
 public:
  /// Called with each server that was connected to.
  using Arrival = std::function<void(const Endpoint& server, const SocketAddress& peer)>;

  /// `tls`: of the options, none without TLS.
  ScriptLine(std::shared_ptr<const RedisOptions> options, std::shared_ptr<const TlsContext> tls,
             ServiceName service, std::uint32_t seed, Arrival arrived = {});

  /// Makes the connection, if there is none that is alive, within the deadline and the back-off.
  Result<void> connect(MonotonicTime deadline);
  /// Runs a script where the keys are, however often it is sent elsewhere; a server's error becomes ours.
  Result<ScriptResult> run(const ScriptOrder& order, MonotonicTime deadline);
  /// Whether as many replicas have confirmed the order as it wanted. If not, the server is looked for anew,
  /// and this is the `outcome_unknown` of it. `what` was not confirmed, `therefore` what.
  Result<void> check_confirmed(const ScriptOrder& order, const ScriptResult& result, std::string_view what,
                               std::string_view therefore);

  /// Who knows has said that this is the master now: the next call goes there.
  void go_to(const Endpoint& master);
  /// The master may have changed: the next call asks first.
  void doubt_master() noexcept { doubts_master_ = true; }
  void disconnect() noexcept { connection_.reset(); }

  /// The connection, if there is one; whoever uses it up disconnects.
  [[nodiscard]] Connection* connection() noexcept { return connection_ ? &*connection_ : nullptr; }
  /// What the server said of itself, if there is a connection.
  [[nodiscard]] const ServerInfo* info() const noexcept {
    return connection_ ? &connection_->server() : nullptr;
  }
  /// Of the connection.
  [[nodiscard]] const Endpoint& server() const noexcept { return server_; }
  [[nodiscard]] Resolver& resolver() noexcept { return resolver_; }

 private:
  /// Asks whether the connection still leads to the master, if that is in doubt.
  void verify_master(MonotonicTime deadline);
  /// One attempt to find the server and to connect to it.
  Result<void> find_server(MonotonicTime deadline);
  Result<Connection> open(const Endpoint& server, MonotonicTime deadline);
  /// Runs it once, and once more if that server asks another one to be asked.
  Result<ScriptResult> run_once(const ScriptOrder& order, MonotonicTime deadline);
  /// True if the server's error was that the keys are elsewhere: then it is worth to ask again.
  bool follow(const std::string& error);
  [[nodiscard]] std::string name_missing_rights(Connection& connection, MonotonicTime deadline) const;

  std::shared_ptr<const RedisOptions> options_;
  std::shared_ptr<const TlsContext> tls_;
  ServiceName service_;
  Arrival arrived_;
  Resolver resolver_;
  std::unique_ptr<Locator> locator_;
  BackOff back_off_;
  Error last_failure_;          ///< Of the last attempt to connect.
  Endpoint server_;             ///< Of the connection.
  std::string last_refusal_;    ///< The server's words when it last denied a right.
  std::string missing_rights_;  ///< What that was about, for people.
  bool doubts_master_ = false;  ///< A switch of the master may have gone unheard.
  std::optional<Connection> connection_;
};

}  // namespace nodepool::redis
