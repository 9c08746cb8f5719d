#include "cli/parts/duration.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>

namespace nodepool::cli {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};

// The largest first: format_duration takes the first that divides.
constexpr std::array<Unit, 4> kUnits{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
// About 31 years: far beyond any use, far below an overflow.
constexpr std::int64_t kLongest = 1'000'000'000'000;

tl::unexpected<Error> not_a_duration(std::string_view text) {
  return failure(
      ErrorCode::invalid_argument,
      fmt::format("\"{}\" is no duration; write a whole number and its unit, such as 500ms, 1s, 2m or 1h",
                  text));
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0 || text.front() == '-') return not_a_duration(text);
  const std::string_view unit_name(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  if (unit_name.empty()) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("\"{0}\" has no unit; write {0}ms or {0}s", text));
  }
  for (const Unit& unit : kUnits) {
    if (unit.name != unit_name) continue;
    if (number > kLongest / unit.milliseconds) {
      return failure(ErrorCode::invalid_argument, fmt::format("\"{}\" is too long a time", text));
    }
    return std::chrono::milliseconds(number * unit.milliseconds);
  }
  return not_a_duration(text);
}

std::string format_duration(std::chrono::milliseconds duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0ms";
  for (const Unit& unit : kUnits) {
    if (count % unit.milliseconds == 0) return fmt::format("{}{}", count / unit.milliseconds, unit.name);
  }
  return fmt::format("{}ms", count);
}

}  // namespace nodepool::cli
