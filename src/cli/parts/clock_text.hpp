#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "nodepool/types.hpp"

namespace nodepool::cli {

/// Nanoseconds since 1970, as in the events' `ts_ns`.
[[nodiscard]] std::int64_t unix_ns(WallTime time) noexcept;
[[nodiscard]] WallTime from_unix_ns(std::int64_t nanoseconds) noexcept;
/// "14:53:12.123456", local time: for people.
[[nodiscard]] std::string clock_text(WallTime time);
/// "2026-03-01T12:00:00.123Z": for programs.
[[nodiscard]] std::string utc_text(WallTime time);
/// A duration as a number of milliseconds, for printing.
[[nodiscard]] double milliseconds_of(std::chrono::nanoseconds duration) noexcept;

}  // namespace nodepool::cli
