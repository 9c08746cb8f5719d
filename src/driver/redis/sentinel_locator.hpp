#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "driver/redis/locator.hpp"

namespace nodepool::redis {

/// How a Sentinel is talked to: its own user, no database.
RedisOptions sentinel_options(const RedisOptions& options);
std::vector<Endpoint> seeds_of(const RedisOptions& options);

/// Asks one Sentinel after the other, each time; who has answered is asked first from then on.
class SentinelLocator final : public Locator {
 public:
  SentinelLocator(const RedisOptions& options, std::shared_ptr<const TlsContext> tls);

  [[nodiscard]] Result<Endpoint> locate(Resolver& resolver, MonotonicTime deadline) override;
  /// Another Sentinel is asked next: the one that named this master may be cut off together with it.
  void failed(const Endpoint& endpoint) override;
  void moved(const Endpoint& endpoint) override { announced_ = endpoint; }

 private:
  /// The master; none if this Sentinel knows no such name.
  Result<std::optional<Endpoint>> ask(const Endpoint& sentinel, Resolver& resolver, MonotonicTime deadline);

  RedisOptions options_;  ///< For the Sentinels.
  std::shared_ptr<const TlsContext> tls_;
  std::string master_name_;
  std::vector<Endpoint> sentinels_;
  std::optional<Endpoint> announced_;  ///< Where to look next, without asking.
};

}  // namespace nodepool::redis
