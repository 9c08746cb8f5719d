#pragma once

#include <cstdint>
#include <string>

#include "nodepool/redis.hpp"

namespace nodepool::redis {

/// One server: where it listens, and by what name its certificate is checked.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  std::string unix_path;  ///< If set, all there is.
  bool operator==(const Endpoint&) const = default;
};

/// The server of the topology `server`.
inline Endpoint endpoint_of(const RedisOptions& options) {
  if (!options.unix_path.empty()) return {.unix_path = options.unix_path};
  return {.host = options.host, .port = options.port};
}

/// "redis://10.0.0.1:6379/0" or "unix:///run/redis.sock?db=0": one server, for people, without user and
/// password.
std::string describe(const Endpoint& endpoint, const RedisOptions& options);
/// The whole store, for people: "redis+sentinel://a:26379,b:26379/mymaster/0". For one server as above.
std::string describe(const RedisOptions& options);

}  // namespace nodepool::redis
