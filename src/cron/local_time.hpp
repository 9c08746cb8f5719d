#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace nodepool::cron {

/// Seconds since 1970-01-01 00:00:00 UTC. 64 bits, so that sums near the ends of WallTime are no trouble.
using Instant = std::int64_t;

inline constexpr std::int64_t kSecondsPerDay = 86'400;

/// What a clock on the wall shows, as the seconds since it showed 1970-01-01 00:00:00. Not an instant: some
/// local times never are, and some are twice.
struct LocalTime {
  std::int64_t seconds = 0;
  auto operator<=>(const LocalTime&) const = default;

  /// Days since 1970-01-01.
  [[nodiscard]] std::chrono::sys_days day() const noexcept {
    return std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(seconds)));
  }
  /// Seconds since this day's midnight.
  [[nodiscard]] int second_of_day() const noexcept {
    return static_cast<int>(seconds - day().time_since_epoch().count() * kSecondsPerDay);
  }
};

}  // namespace nodepool::cron
