#include "driver/redis/locator.hpp"

#include <utility>

#include "driver/redis/cluster_locator.hpp"
#include "driver/redis/sentinel_locator.hpp"

namespace nodepool::redis {
namespace {

/// There is but one server.
class ServerLocator final : public Locator {
 public:
  explicit ServerLocator(Endpoint server) : server_(std::move(server)) {}

  [[nodiscard]] Result<Endpoint> locate(Resolver& /*resolver*/, MonotonicTime /*deadline*/) override {
    return server_;
  }
  void failed(const Endpoint& /*endpoint*/) override {}
  void moved(const Endpoint& /*endpoint*/) override {}

 private:
  Endpoint server_;
};

}  // namespace

std::unique_ptr<Locator> make_locator(const RedisOptions& options, std::shared_ptr<const TlsContext> tls,
                                      std::string_view key) {
  switch (options.topology) {
    case RedisTopology::server:
      break;
    case RedisTopology::sentinel:
      return std::make_unique<SentinelLocator>(options, std::move(tls));
    case RedisTopology::cluster:
      return std::make_unique<ClusterLocator>(options, std::move(tls), slot_of(key));
  }
  return std::make_unique<ServerLocator>(endpoint_of(options));
}

}  // namespace nodepool::redis
