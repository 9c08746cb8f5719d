#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "driver/redis/cluster_text.hpp"
#include "driver/redis/locator.hpp"

namespace nodepool::redis {

/// Remembers who owns the pool's slot; asks the cluster's nodes, one after the other, when it does not know.
class ClusterLocator final : public Locator {
 public:
  ClusterLocator(const RedisOptions& options, std::shared_ptr<const TlsContext> tls, Slot slot);

  [[nodiscard]] Result<Endpoint> locate(Resolver& resolver, MonotonicTime deadline) override;
  void failed(const Endpoint& endpoint) override;
  void moved(const Endpoint& endpoint) override;

 private:
  /// What one node knows: where the slot is now.
  Result<Endpoint> ask(const Endpoint& node, Resolver& resolver, MonotonicTime deadline);
  void learn(const Endpoint& node);

  const RedisOptions& options_;
  std::shared_ptr<const TlsContext> tls_;
  Slot slot_;
  std::vector<Endpoint> nodes_;    ///< The seeds and all that were learnt, in the order to be asked.
  std::optional<Endpoint> owner_;  ///< As last told.
};

}  // namespace nodepool::redis
