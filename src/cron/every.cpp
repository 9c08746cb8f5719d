#include "cron/every.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace nodepool::cron {
namespace {

struct Unit {
  char letter;
  std::int64_t seconds;
  std::string_view name;
};

constexpr std::array<Unit, 3> kUnits{{{'h', 3600, "hour"}, {'m', 60, "minute"}, {'s', 1, "second"}}};
constexpr std::int64_t kLongest = 1'000'000'000;

tl::unexpected<Error> not_a_time(Piece text) {
  return refused(fmt::format(
      "@every has {} at column {}; it takes whole hours, minutes and seconds, such as 90s or 1h30m",
      quoted(text.text), text.column));
}

}  // namespace

Result<std::chrono::seconds> read_every(Piece text) {
  std::int64_t sum = 0;
  Piece rest = text;
  for (const Unit& unit : kUnits) {
    std::int64_t number = 0;
    const char* const end = rest.text.data() + rest.text.size();
    const auto [behind, error] = std::from_chars(rest.text.data(), end, number);
    if (behind == end || *behind != unit.letter) continue;
    if (error != std::errc{} || rest.text.front() == '-') return not_a_time(text);
    if (number > kLongest / unit.seconds) {
      return refused(
          fmt::format("@every has {} at column {}, which is too long; at most 31 years are allowed",
                      quoted(text.text), text.column));
    }
    sum += number * unit.seconds;
    rest = rest.behind(static_cast<std::size_t>(behind - rest.text.data()) + 1);
  }
  if (!rest.text.empty() || text.text.empty()) return not_a_time(text);
  if (sum < 1) {
    return refused(
        fmt::format("@every has {} at column {}; it takes at least 1s", quoted(text.text), text.column));
  }
  return std::chrono::seconds(sum);
}

Instant next_multiple(std::chrono::seconds every, Instant after) noexcept {
  const std::int64_t step = every.count();
  const std::int64_t since = after % step;
  return after - (since < 0 ? since + step : since) + step;
}

std::string describe_every(std::chrono::seconds every) {
  for (const Unit& unit : kUnits) {
    const std::int64_t count = every.count() / unit.seconds;
    if (every.count() % unit.seconds != 0) continue;
    return count == 1 ? fmt::format("every {}", unit.name) : fmt::format("every {} {}s", count, unit.name);
  }
  return {};
}

}  // namespace nodepool::cron
