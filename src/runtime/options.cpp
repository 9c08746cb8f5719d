#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/utf8.hpp"
#include "nodepool/pool.hpp"
#include "nodepool/ring.hpp"

namespace nodepool {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr std::size_t kMaxText = 200;
constexpr std::size_t kMaxMetadata = 2048;
constexpr std::size_t kMaxMetadataEntries = 32;

/// Collects all faults of an options struct, for one message.
class Faults {
 public:
  void check(bool good, std::string fault) {
    if (!good) faults_.push_back(std::move(fault));
  }
  [[nodiscard]] Result<void> result() const {
    if (faults_.empty()) return {};
    std::string message = "the pool's options are not usable: ";
    for (const std::string& fault : faults_) message += (&fault == faults_.data() ? "" : "; ") + fault;
    return failure(ErrorCode::invalid_argument, message);
  }

 private:
  std::vector<std::string> faults_;
};

bool is_plain_text(const std::string& text) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return is_utf8(text) && std::ranges::none_of(text, control);
}

void check_times(Faults& faults, const PoolOptions& options) {
  const auto [heartbeat, lease] = std::pair(options.heartbeat, options.lease);
  const bool heartbeat_good = heartbeat >= 10ms && heartbeat <= 1h;
  faults.check(heartbeat_good, fmt::format("heartbeat is {} ms, it must be 10 ms to 1 h", heartbeat.count()));
  if (heartbeat_good) {  // of any other, three may be more than a number holds
    faults.check(
        lease >= 3 * heartbeat,
        fmt::format("lease is {} ms, it must be at least 3 heartbeats ({} ms), or one late heartbeat "
                    "stops every job",
                    lease.count(), 3 * heartbeat.count()));
  }
  faults.check(lease <= 24h, fmt::format("lease is {} ms, it must be at most 24 h", lease.count()));
  const milliseconds timeout = options.store_timeout;
  faults.check(timeout == 0ms || (timeout >= 10ms && timeout <= lease),
               fmt::format("store_timeout is {} ms, it must be 0 or 10 ms to the lease", timeout.count()));
  faults.check(options.drain_grace >= 0ms && options.drain_grace <= 24h,
               fmt::format("drain_grace is {} ms, it must be 0 to 24 h", options.drain_grace.count()));
  faults.check(options.max_clock_drift >= 0 && options.max_clock_drift <= 0.1,
               fmt::format("max_clock_drift is {}, it must be 0 to 0.1", options.max_clock_drift));
}

void check_text(Faults& faults, std::string_view what, const std::string& text) {
  faults.check(
      text.size() <= kMaxText && is_plain_text(text),
      fmt::format("{} must be at most {} bytes of UTF-8 without control characters", what, kMaxText));
}

void check_metadata(Faults& faults, const PoolOptions& options) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : options.metadata) {
    bytes += key.size() + value.size();
    faults.check(!key.empty() && is_plain_text(key) && is_plain_text(value),
                 "metadata must be UTF-8 without control characters, and its keys not empty");
  }
  faults.check(options.metadata.size() <= kMaxMetadataEntries && bytes <= kMaxMetadata,
               fmt::format("metadata has {} entries and {} bytes, at most {} and {} are allowed",
                           options.metadata.size(), bytes, kMaxMetadataEntries, kMaxMetadata));
}

}  // namespace

Result<void> validate(const PoolOptions& options) {
  Faults faults;
  check_times(faults, options);
  faults.check(!to_string(options.placement).empty(), "placement is not one of PlacementKind");
  faults.check(options.points >= 1 && options.points <= kMaxPoints,
               fmt::format("points is {}, it must be 1 to {}", options.points, kMaxPoints));
  faults.check(options.weight >= 1 && options.weight <= kMaxWeight,
               fmt::format("weight is {}, it must be 1 to {}", options.weight, kMaxWeight));
  if (!options.name.empty()) {
    const auto name = validate(NodeName(options.name));
    if (!name) faults.check(false, name.error().message);
  }
  check_text(faults, "zone", options.zone);
  check_text(faults, "address", options.address);
  check_metadata(faults, options);
  return faults.result();
}

}  // namespace nodepool
