#include "driver/redis/endpoint.hpp"

#include <fmt/format.h>

#include <vector>

namespace nodepool::redis {
namespace {

std::string host_and_port(const std::string& host, std::uint16_t port) {
  const bool bracketed = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", bracketed ? "[" : "", host, bracketed ? "]" : "", port);
}

std::string seeds_text(const RedisOptions& options) {
  std::vector<std::string> seeds;
  for (const RedisAddress& seed : options.seeds) seeds.push_back(host_and_port(seed.host, seed.port));
  return fmt::format("{}", fmt::join(seeds, ","));
}

}  // namespace

std::string describe(const Endpoint& endpoint, const RedisOptions& options) {
  if (!endpoint.unix_path.empty())
    return fmt::format("unix://{}?db={}", endpoint.unix_path, options.database);
  return fmt::format("redis{}://{}/{}", options.tls.enabled ? "s" : "",
                     host_and_port(endpoint.host, endpoint.port), options.database);
}

std::string describe(const RedisOptions& options) {
  const std::string_view scheme = options.tls.enabled ? "rediss" : "redis";
  switch (options.topology) {
    case RedisTopology::server:
      break;
    case RedisTopology::sentinel:
      return fmt::format("{}+sentinel://{}/{}/{}", scheme, seeds_text(options), options.master_name,
                         options.database);
    case RedisTopology::cluster:
      return fmt::format("{}+cluster://{}", scheme, seeds_text(options));
  }
  return describe(endpoint_of(options), options);
}

}  // namespace nodepool::redis
