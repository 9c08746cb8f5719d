#include "driver/redis/options.hpp"

#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <string>
#include <vector>

namespace nodepool::redis {
namespace {

constexpr std::chrono::milliseconds kShortest{10};
constexpr std::chrono::milliseconds kLongest{60'000};
constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t kLongestHost = 255;
constexpr std::size_t kMostSeeds = 64;
constexpr unsigned kMostReplicas = 100;

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char byte) { return (byte >= 0 && byte <= ' ') || byte == 0x7F; });
}

void check_address(std::string_view host, std::uint16_t port, std::vector<std::string>& faults) {
  if (host.empty()) faults.emplace_back("the host is missing");
  if (host.size() > kLongestHost || has_control(host)) {
    faults.push_back(fmt::format("the host must be at most {} bytes, without spaces", kLongestHost));
  }
  if (port == 0) faults.emplace_back("the port must be 1 to 65535");
}

void check_server(const RedisOptions& options, std::vector<std::string>& faults) {
  if (options.unix_path.empty()) return check_address(options.host, options.port, faults);
  if (options.unix_path.size() > kLongestPath || options.unix_path.find('\0') != std::string::npos) {
    faults.push_back(fmt::format("the socket's path must be at most {} bytes without NUL", kLongestPath));
  }
  if (options.tls.enabled) faults.emplace_back("TLS is not for a Unix socket");
}

void check_seeds(const RedisOptions& options, std::vector<std::string>& faults) {
  if (options.seeds.empty() || options.seeds.size() > kMostSeeds) {
    faults.push_back(
        fmt::format("there are {} seeds, but must be 1 to {}", options.seeds.size(), kMostSeeds));
  }
  for (const RedisAddress& seed : options.seeds) check_address(seed.host, seed.port, faults);
  if (!options.unix_path.empty())
    faults.emplace_back("a Unix socket is one server, no Sentinel and no cluster");
}

void check_place(const RedisOptions& options, std::vector<std::string>& faults) {
  switch (options.topology) {
    case RedisTopology::server:
      return check_server(options, faults);
    case RedisTopology::sentinel:
      if (options.master_name.empty() || options.master_name.size() > kLongestHost ||
          has_control(options.master_name)) {
        faults.push_back(
            fmt::format("the master's name must be 1 to {} bytes, without spaces", kLongestHost));
      }
      return check_seeds(options, faults);
    case RedisTopology::cluster:
      if (options.database != 0) faults.emplace_back("a cluster has only database 0");
      return check_seeds(options, faults);
  }
}

void check_tls(const RedisTls& tls, std::vector<std::string>& faults) {
  if (tls.certificate_file.empty() != tls.key_file.empty()) {
    faults.emplace_back("a client's certificate and its key (cert and key) are given together");
  }
}

void check_timeout(std::string_view name, std::chrono::milliseconds value, std::vector<std::string>& faults) {
  if (value >= kShortest && value <= kLongest) return;
  faults.push_back(fmt::format("{} is {} ms, but must be {} ms to {} ms", name, value.count(),
                               kShortest.count(), kLongest.count()));
}

}  // namespace

Result<void> validate(const RedisOptions& options) {
  std::vector<std::string> faults;
  check_place(options, faults);
  check_tls(options.tls, faults);
  if (options.min_replicas > kMostReplicas) {
    faults.push_back(
        fmt::format("min_replicas is {}, but must be 0 to {}", options.min_replicas, kMostReplicas));
  }
  check_timeout("connect_timeout", options.connect_timeout, faults);
  check_timeout("call_timeout", options.call_timeout, faults);
  if (faults.empty()) return {};
  return failure(ErrorCode::invalid_argument, fmt::format("Redis options: {}", fmt::join(faults, "; ")));
}

}  // namespace nodepool::redis
