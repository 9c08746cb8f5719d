#pragma once

#include <memory>
#include <string_view>

#include "driver/redis/endpoint.hpp"
#include "driver/redis/resolver.hpp"
#include "driver/redis/tls.hpp"
#include "nodepool/redis.hpp"
#include "nodepool/result.hpp"
#include "nodepool/types.hpp"

namespace nodepool::redis {

/// Finds the server that has a pool's keys. What it names may be out of date: whoever connects there verifies
/// that it is a master, and tells what came of it. Belongs to one thread.
class Locator {
 public:
  Locator() = default;
  virtual ~Locator() = default;
  Locator(const Locator&) = delete;
  Locator& operator=(const Locator&) = delete;

  /// Asks around if it has to, until the deadline. Errors name who was asked: `unavailable`,
  /// `permission_denied`, `unsupported`; `invalid_argument` if the Sentinels know no such master.
  [[nodiscard]] virtual Result<Endpoint> locate(Resolver& resolver, MonotonicTime deadline) = 0;
  /// The server did not do: it is away, a replica, or too lonely to confirm anything.
  virtual void failed(const Endpoint& endpoint) = 0;
  /// Somebody who knows has said that the keys are there now.
  virtual void moved(const Endpoint& endpoint) = 0;
};

/// The one for the options' topology; these outlive it. `tls`: theirs. `key`: any of the pool's.
std::unique_ptr<Locator> make_locator(const RedisOptions& options, std::shared_ptr<const TlsContext> tls,
                                      std::string_view key);

}  // namespace nodepool::redis
