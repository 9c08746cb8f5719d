#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "driver/redis/subscription.hpp"
#include "nodepool/driver.hpp"

namespace nodepool::redis {

/// Understands what one pool's hints say, and says it to one of its nodes. Belongs to one thread.
class HintListener {
 public:
  /// The options outlive this.
  HintListener(const RedisOptions& options, std::shared_ptr<const TlsContext> tls, const ServiceName& service,
               std::uint32_t seed);

  /// To be waited for, and told where to listen.
  [[nodiscard]] Subscription& subscription() noexcept { return subscription_; }
  /// Hints that this node has caused itself are dropped, but for drains.
  void set_own_id(const NodeId& node) { own_id_ = node; }
  /// What has come since the last call.
  [[nodiscard]] std::vector<Hint> take();
  /// Set if the server has never let this user listen: the pool would miss every hint for good.
  [[nodiscard]] std::optional<Error> denied() const;

 private:
  /// The hint, as far as it can be believed.
  [[nodiscard]] Hint believed(Hint hint) const;

  bool confirms_;  ///< A server that nobody confirms tells nothing that gives a right.
  Subscription subscription_;
  NodeId own_id_;
};

}  // namespace nodepool::redis
