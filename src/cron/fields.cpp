#include "cron/fields.hpp"

#include <bit>

namespace nodepool::cron {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr std::uint64_t bit(unsigned n) noexcept {
  return std::uint64_t{1} << n;
}

/// The bits of `set` from n on.
constexpr std::uint64_t from(std::uint64_t set, unsigned n) noexcept {
  return n > 63 ? 0 : set & (~std::uint64_t{0} << n);
}

unsigned lowest(std::uint64_t set) noexcept {
  return static_cast<unsigned>(std::countr_zero(set));
}

/// Calls `visit` with each value of the set, in order.
template <class Visit>
void for_each(std::uint64_t set, Visit&& visit) {
  for (; set != 0; set &= set - 1) visit(lowest(set));
}

struct Month {
  unsigned length;         ///< In days.
  unsigned first_weekday;  ///< Of the first; 0 is Sunday.

  explicit Month(std::chrono::year_month month) noexcept
      : length(unsigned((month / std::chrono::last).day())),
        first_weekday(std::chrono::weekday(sys_days(month / 1)).c_encoding()) {}

  [[nodiscard]] unsigned weekday_of(unsigned day) const noexcept { return (first_weekday + day - 1) % 7; }
  /// The first day of the month that is this day of the week.
  [[nodiscard]] unsigned first(unsigned weekday) const noexcept {
    return 1 + (weekday + 7 - first_weekday) % 7;
  }
  [[nodiscard]] std::uint64_t all() const noexcept { return from(bit(length + 1) - 1, 1); }
};

/// The day from Monday to Friday that is nearest to `day` in the same month. REQUIRES: the month has the day.
unsigned nearest_weekday(const Month& month, unsigned day) noexcept {
  const unsigned weekday = month.weekday_of(day);
  if (weekday == 0) return day == month.length ? day - 2 : day + 1;
  if (weekday == 6) return day == 1 ? day + 2 : day - 1;
  return day;
}

std::uint64_t by_day(const Fields& fields, const Month& month) noexcept {
  std::uint64_t found = fields.days & month.all();
  for_each(fields.days_before_last, [&](unsigned before) {
    if (before < month.length) found |= bit(month.length - before);
  });
  for_each(fields.nearest_weekdays & month.all(),
           [&](unsigned day) { found |= bit(nearest_weekday(month, day)); });
  if (fields.last_weekday) found |= bit(nearest_weekday(month, month.length));
  return found;
}

std::uint64_t by_weekday(const Fields& fields, const Month& month) noexcept {
  constexpr std::uint64_t kEverySeventh = bit(0) | bit(7) | bit(14) | bit(21) | bit(28);
  std::uint64_t found = 0;
  for_each(fields.weekdays, [&](unsigned weekday) { found |= kEverySeventh << month.first(weekday); });
  for_each(fields.last_weekdays, [&](unsigned weekday) {
    found |= std::bit_floor((kEverySeventh << month.first(weekday)) & month.all());
  });
  for (unsigned n = 0; n < fields.nth_weekdays.size(); ++n) {
    for_each(fields.nth_weekdays[n], [&](unsigned weekday) { found |= bit(month.first(weekday) + 7 * n); });
  }
  return found & month.all();
}

/// The first time of a day that matches and is not before `earliest`, in seconds since midnight.
std::optional<int> first_time(const Fields& fields, int earliest) noexcept {
  const auto hour = static_cast<unsigned>(earliest) / 3600;
  const auto minute = static_cast<unsigned>(earliest) / 60 % 60;
  const auto second = static_cast<unsigned>(earliest) % 60;
  const auto time = [](unsigned h, unsigned m, unsigned s) {
    return static_cast<int>((h * 60 + m) * 60 + s);
  };
  if ((fields.hours & bit(hour)) != 0) {
    if ((fields.minutes & bit(minute)) != 0) {
      const std::uint64_t later = from(fields.seconds, second);
      if (later != 0) return time(hour, minute, lowest(later));
    }
    const std::uint64_t later = from(fields.minutes, minute + 1);
    if (later != 0) return time(hour, lowest(later), lowest(fields.seconds));
  }
  const std::uint64_t later = from(fields.hours, hour + 1);
  if (later == 0) return std::nullopt;
  return time(lowest(later), lowest(fields.minutes), lowest(fields.seconds));
}

LocalTime at(std::chrono::year_month month, unsigned day, int time) noexcept {
  const std::int64_t days_since = sys_days(month / std::chrono::day(day)).time_since_epoch().count();
  return LocalTime{days_since * kSecondsPerDay + time};
}

/// Which days of the month are to be looked at, if the month is.
std::uint64_t days_in(const Fields& fields, std::chrono::year_month month) noexcept {
  const bool is_open = (fields.months & bit(unsigned(month.month()))) != 0;
  return is_open ? matching_days(fields, month) : 0;
}

}  // namespace

std::uint64_t matching_days(const Fields& fields, std::chrono::year_month year_month) noexcept {
  const Month month(year_month);
  const std::uint64_t days = by_day(fields, month);
  const std::uint64_t weekdays = by_weekday(fields, month);
  return fields.day_is_open || fields.weekday_is_open ? days & weekdays : days | weekdays;
}

std::optional<LocalTime> first_match(const Fields& fields, LocalTime earliest, LocalTime last) noexcept {
  const std::chrono::year_month_day today(earliest.day());
  const unsigned day = unsigned(today.day());
  std::chrono::year_month month = today.year() / today.month();
  std::uint64_t candidates = from(days_in(fields, month), day);
  if ((candidates & bit(day)) != 0) {
    if (const auto time = first_time(fields, earliest.second_of_day())) {
      const LocalTime found = at(month, day, *time);
      return found <= last ? std::optional(found) : std::nullopt;
    }
    candidates = from(candidates, day + 1);
  }
  const std::chrono::year_month_day end(last.day());
  while (candidates == 0) {
    month += std::chrono::months(1);
    if (month > end.year() / end.month()) return std::nullopt;
    candidates = days_in(fields, month);
  }
  // Every set of times has at least one, so the day's first is there.
  const LocalTime found = at(month, lowest(candidates), first_time(fields, 0).value_or(0));
  return found <= last ? std::optional(found) : std::nullopt;
}

}  // namespace nodepool::cron
