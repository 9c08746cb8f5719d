#pragma once

#include <chrono>
#include <string>

#include "cron/local_time.hpp"
#include "cron/message.hpp"
#include "nodepool/result.hpp"

namespace nodepool::cron {

/// Reads what stands behind `@every`: whole numbers with their units h, m and s, the greatest first, such as
/// "90s" or "1h30m"; 1 second to 31 years.
[[nodiscard]] Result<std::chrono::seconds> read_every(Piece text);

/// The first multiple of `every` since 1970-01-01 00:00:00 UTC that is after `after`.
[[nodiscard]] Instant next_multiple(std::chrono::seconds every, Instant after) noexcept;

/// "every 90 seconds", "every hour".
[[nodiscard]] std::string describe_every(std::chrono::seconds every);

}  // namespace nodepool::cron
