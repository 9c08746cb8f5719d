#include "driver/go_dispatch/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace nodepool::go_dispatch {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kShortest{100};
constexpr milliseconds kLongest = std::chrono::hours(1);
constexpr std::size_t kLongestPrefix = 128;
/// A Go node reads its list at a tick of its own and stops what it has lost when it has read it. So much of a
/// period it may take for that; without any, the last moment of the old owner would be the first of the new.
constexpr int kReadingShare = 4;

/// The Go nodes would take these for a pattern of their own in SCAN, and find other keys or none.
bool is_unfit(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value <= ' ' || value >= 0x7F || std::string_view("*?[]^\\").find(byte) != std::string_view::npos;
}

}  // namespace

Result<void> validate(const GoDispatchOptions& options) {
  if (options.redis.topology != RedisTopology::server) {
    const bool cluster = options.redis.topology == RedisTopology::cluster;
    return failure(ErrorCode::unsupported,
                   fmt::format("a go-dispatch pool cannot be kept behind a {}: {}; name one server",
                               cluster ? "cluster" : "Sentinel",
                               cluster ? "no node of it sees all keys" : "a failover loses entries unseen"));
  }
  std::vector<std::string> faults;
  if (options.period < kShortest || options.period > kLongest) {
    faults.push_back(fmt::format("the period is {} ms, but must be {} ms to {} ms", options.period.count(),
                                 kShortest.count(), kLongest.count()));
  }
  if (options.prefix.empty() || options.prefix.size() > kLongestPrefix ||
      std::ranges::any_of(options.prefix, is_unfit)) {
    faults.push_back(fmt::format("the prefix must be 1 to {} printable bytes without space, * ? [ ] ^ and \\",
                                 kLongestPrefix));
  }
  if (options.prefix.ends_with(':')) {
    faults.emplace_back("the prefix must not end in a colon: that is added, as Go's own prefix has it");
  }
  if (options.redis.min_replicas != 0) {
    faults.emplace_back("min_replicas must be 0, as Go nodes do not wait for replicas");
  }
  if (faults.empty()) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("go-dispatch options: {}", fmt::join(faults, "; ")));
}

Pace pace_of(const GoDispatchOptions& options) {
  const seconds ttl = std::max(std::chrono::floor<seconds>(options.period), seconds(1));
  const milliseconds lease =
      options.layout == GoDispatchLayout::key ? std::min<milliseconds>(options.period, ttl) : options.period;
  return {.ttl = ttl,
          .lease = lease,
          .beat = lease / 2,
          .stability = options.period + options.period / kReadingShare};
}

}  // namespace nodepool::go_dispatch
