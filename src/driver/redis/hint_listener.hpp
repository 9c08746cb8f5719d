#pragma once

#include <memory>
#include <string>
#include <vector>

#include "driver/redis/back_off.hpp"
#include "driver/redis/connection.hpp"
#include "nodepool/driver.hpp"

namespace nodepool::redis {

/// A connection that is subscribed to the hints of one pool. Connects, greets and reconnects inside `wait`
/// without ever blocking: each step is taken when poll() says that it can be. Belongs to one thread.
class HintListener {
 public:
  HintListener(const RedisOptions& options, std::shared_ptr<const TlsContext> tls, const ServiceName& service,
               std::uint32_t seed);

  /// The server that the pool's calls go to: hints are listened for there.
  void set_server(const SocketAddress& server) { server_ = server; }
  /// Hints that this node has caused itself are dropped, but for drains.
  void set_own_id(const NodeId& node) { own_id_ = node; }
  /// As Session::wait. `resolver` finds the server as long as none was set.
  std::vector<Hint> wait(MonotonicTime until, int wake_fd, Resolver& resolver);
  /// Set if the server has never let this user listen: the pool would miss every hint for good.
  [[nodiscard]] const std::optional<Error>& denied() const noexcept { return denied_; }

 private:
  enum class Phase { idle, connecting, subscribing, listening };

  void run_timers(Resolver& resolver);
  [[nodiscard]] MonotonicTime next_timer() const;
  void start_connect(Resolver& resolver);
  void handle_ready();
  bool subscribe();
  bool receive();
  bool handle(const Reply& reply);
  void drop();

  const RedisOptions& options_;  ///< Of the session, which outlives this.
  std::shared_ptr<const TlsContext> tls_;
  std::string channel_;
  std::optional<SocketAddress> server_;
  NodeId own_id_;
  BackOff back_off_;
  Phase phase_ = Phase::idle;
  Transport transport_;
  ReplyReader reader_;
  MonotonicTime phase_started_{};
  MonotonicTime last_heard_{};
  std::optional<MonotonicTime> asked_at_;  ///< When a silent server was asked for a sign of life.
  bool ever_listened_ = false;
  std::optional<Error> denied_;
  std::vector<Hint> hints_;
};

}  // namespace nodepool::redis
