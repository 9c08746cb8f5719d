#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "nodepool/result.hpp"

namespace nodepool::cli {

/// Reads "500ms", "1s", "2m" or "1h": a whole number and its unit. A bare number is refused: nobody can tell
/// what it means. The error says how a duration is written.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "4s", "1500ms": the shortest text that parse_duration reads back. REQUIRES: not negative.
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

}  // namespace nodepool::cli
