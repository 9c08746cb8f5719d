#pragma once

#include <array>
#include <span>
#include <string_view>

#include "cron/field.hpp"

namespace nodepool::cron {

/// What one kind of field takes.
struct FieldRule {
  std::string_view name;
  int least = 0;
  int greatest = 0;        ///< What can be written.
  int last = 0;            ///< Where `*` and `n/step` end: Sunday is not counted twice.
  int last_at_random = 0;  ///< Where `~` ends: every month has a day of its own.
  std::string_view takes;
  std::span<const std::string_view> names;  ///< The first one is `first_name`.
  int first_name = 0;
};

inline constexpr std::array<std::string_view, 12> kMonthNames{"jan", "feb", "mar", "apr", "may", "jun",
                                                              "jul", "aug", "sep", "oct", "nov", "dec"};
inline constexpr std::array<std::string_view, 7> kWeekdayNames{"sun", "mon", "tue", "wed",
                                                               "thu", "fri", "sat"};

[[nodiscard]] inline FieldRule rule_of(FieldKind kind) noexcept {
  switch (kind) {
    case FieldKind::second:
      return {"second", 0, 59, 59, 59, "0 to 59", {}, 0};
    case FieldKind::minute:
      return {"minute", 0, 59, 59, 59, "0 to 59", {}, 0};
    case FieldKind::hour:
      return {"hour", 0, 23, 23, 23, "0 to 23", {}, 0};
    case FieldKind::day:
      return {"day-of-month", 1, 31, 31, 28, "1 to 31, L, L-1 to L-30, LW and 1W to 31W", {}, 0};
    case FieldKind::month:
      return {"month", 1, 12, 12, 12, "1 to 12 and jan to dec", kMonthNames, 1};
    case FieldKind::weekday:
      break;
  }
  return {"day-of-week", 0, 7, 6, 6, "0 to 7, sun to sat, 0L to 7L and 0#1 to 7#5", kWeekdayNames, 0};
}

}  // namespace nodepool::cron
