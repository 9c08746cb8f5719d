#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "cron/local_time.hpp"

namespace nodepool::cron {

/// The fields of an expression as sets: bit n of a set is the value n.
struct Fields {
  std::uint64_t seconds = 1;
  std::uint64_t minutes = 0;
  std::uint64_t hours = 0;
  std::uint64_t months = 0;

  std::uint64_t days = 0;              ///< Of the month, as numbers.
  std::uint64_t days_before_last = 0;  ///< Bit n: n days before the month's last one (`L-n`).
  std::uint64_t nearest_weekdays = 0;  ///< Bit n: the day from Monday to Friday that is nearest to n (`nW`).
  bool last_weekday = false;           ///< The month's last day from Monday to Friday (`LW`).

  std::uint64_t weekdays = 0;                   ///< 0 is Sunday; never bit 7.
  std::uint64_t last_weekdays = 0;              ///< The month's last such day (`5L`).
  std::array<std::uint64_t, 5> nth_weekdays{};  ///< [n - 1]: the month's n-th such day (`5#2`).

  /// Whether the field begins with `*` or `?`: then both day fields must match, else one of them suffices.
  bool day_is_open = false;
  bool weekday_is_open = false;

  bool operator==(const Fields&) const = default;
};

inline constexpr std::uint64_t kEveryHour = (std::uint64_t{1} << 24U) - 1;

/// Whether a job of these fields follows elapsed time instead of the clock on the wall.
[[nodiscard]] inline bool follows_elapsed_time(const Fields& fields) noexcept {
  return fields.hours == kEveryHour;
}

/// The days of one month that match, as bits 1 to 31; whether the month itself matches is not asked.
[[nodiscard]] std::uint64_t matching_days(const Fields& fields, std::chrono::year_month month) noexcept;

/// The first local time that matches and is not before `from`; none if there is none up to `last`.
/// Goes from month to month, so also a date of a few times in a century costs microseconds.
[[nodiscard]] std::optional<LocalTime> first_match(const Fields& fields, LocalTime from,
                                                   LocalTime last) noexcept;

}  // namespace nodepool::cron
