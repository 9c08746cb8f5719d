#pragma once

#include <memory>
#include <optional>
#include <string>

#include "driver/redis/subscription.hpp"

namespace nodepool::redis {

/// Hears from a Sentinel that a master was replaced. Belongs to one thread.
class MasterWatch {
 public:
  MasterWatch(const RedisOptions& options, std::shared_ptr<const TlsContext> tls, std::uint32_t seed);

  /// To be waited for.
  [[nodiscard]] Subscription& subscription() noexcept { return subscription_; }
  /// The new master, if there was a switch since the last call.
  [[nodiscard]] std::optional<Endpoint> take_switch();
  /// True once after listening has begun (again): a switch may have gone unheard. REQUIRES: after
  /// `take_switch`.
  [[nodiscard]] bool take_missed();
  /// What people should know if no Sentinel lets this user listen.
  [[nodiscard]] std::optional<std::string> warning() const;

 private:
  RedisOptions options_;  ///< For the Sentinels.
  Subscription subscription_;
  bool missed_ = false;
};

}  // namespace nodepool::redis
