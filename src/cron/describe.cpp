#include "cron/describe.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <string_view>
#include <vector>

namespace nodepool::cron {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 5> kOrdinals{"first", "second", "third", "fourth", "fifth"};
constexpr std::uint64_t kSixty = (std::uint64_t{1} << 60U) - 1;
constexpr std::uint64_t kEveryDay = ((std::uint64_t{1} << 31U) - 1) << 1U;
constexpr std::uint64_t kEveryMonth = ((std::uint64_t{1} << 12U) - 1) << 1U;
constexpr std::uint64_t kEveryWeekday = 0x7f;
/// More times of a day than these are not listed one by one.
constexpr int kMostTimes = 6;

std::vector<unsigned> values_of(std::uint64_t set) {
  std::vector<unsigned> values;
  for (; set != 0; set &= set - 1) values.push_back(static_cast<unsigned>(std::countr_zero(set)));
  return values;
}

/// "a, b and c".
std::string joined(const std::vector<std::string>& parts, std::string_view conjunction = " and ") {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += i + 1 == parts.size() ? conjunction : ", ";
    text += parts[i];
  }
  return text;
}

/// "1, 3 to 7 and 9": three in a row or more are shown as a range.
template <class Name>
std::string list_of(std::uint64_t set, const Name& name, std::string_view conjunction = " and ") {
  const std::vector<unsigned> values = values_of(set);
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::size_t end = i;
    while (end + 1 < values.size() && values[end + 1] == values[end] + 1) ++end;
    if (end - i < 2) {
      parts.push_back(name(values[i]));
    } else {
      parts.push_back(name(values[i]) + " to " + name(values[end]));
      i = end;
    }
  }
  return joined(parts, conjunction);
}

std::string number(unsigned n) {
  return fmt::format("{}", n);
}

std::string weekday_name(unsigned n) {
  return std::string(kWeekdays.at(n % 7));
}

/// n if the set is every n-th value from 0 on, and comes out even at the end; else 0.
unsigned even_step(std::uint64_t set, unsigned count) {
  const std::vector<unsigned> values = values_of(set);
  if (values.size() < 2 || count % values.size() != 0) return 0;
  const auto step = static_cast<unsigned>(count / values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != i * step) return 0;
  }
  return step;
}

// ---- times

std::string counted(unsigned step, std::string_view unit) {
  return step == 1 ? fmt::format("every {}", unit) : fmt::format("every {} {}s", step, unit);
}

/// "every minute", "every 2 hours", "minute 5", "minutes 5 and 10".
std::string part(std::uint64_t set, unsigned count, std::string_view unit) {
  const unsigned step = even_step(set, count);
  if (step == 1) return counted(step, unit);
  return fmt::format("{}{} {}", unit, std::has_single_bit(set) ? "" : "s", list_of(set, number));
}

std::string listed_times(const Fields& fields) {
  std::vector<std::string> times;
  for (const unsigned hour : values_of(fields.hours)) {
    for (const unsigned minute : values_of(fields.minutes)) {
      for (const unsigned second : values_of(fields.seconds)) {
        times.push_back(fields.seconds == 1 ? fmt::format("{:02}:{:02}", hour, minute)
                                            : fmt::format("{:02}:{:02}:{:02}", hour, minute, second));
      }
    }
  }
  return "at " + joined(times);
}

/// What is the same in each hour.
std::string within_hour(const Fields& fields) {
  if (fields.seconds == 1) {
    const unsigned step = even_step(fields.minutes, 60);
    return step != 0 ? counted(step, "minute") : "at " + part(fields.minutes, 60, "minute");
  }
  const unsigned step = even_step(fields.seconds, 60);
  const std::string seconds =
      step != 0 ? counted(step, "second") : "at " + part(fields.seconds, 60, "second");
  if (fields.minutes == kSixty) return step != 0 ? seconds : seconds + " of every minute";
  return seconds + " of " + part(fields.minutes, 60, "minute");
}

std::string describe_time(const Fields& fields) {
  const int times =
      std::popcount(fields.hours) * std::popcount(fields.minutes) * std::popcount(fields.seconds);
  if (times <= kMostTimes) return listed_times(fields);
  const bool on_the_hour = fields.seconds == 1 && fields.minutes == 1;
  const unsigned step = even_step(fields.hours, 24);
  if (on_the_hour && step != 0) return counted(step, "hour");
  const std::string within = within_hour(fields);
  if (fields.hours != kEveryHour) return within + " of " + part(fields.hours, 24, "hour");
  return fields.seconds == 1 && even_step(fields.minutes, 60) != 0 ? within
         : fields.minutes == kSixty                                ? within
                                                                   : within + " of every hour";
}

// ---- days

std::string describe_days(const Fields& fields) {
  std::vector<std::string> parts;
  if (fields.days != 0) {
    parts.push_back((std::has_single_bit(fields.days) ? "day " : "days ") + list_of(fields.days, number));
  }
  for (const unsigned day : values_of(fields.nearest_weekdays)) {
    parts.push_back(fmt::format("the day from Monday to Friday nearest to day {}", day));
  }
  for (const unsigned before : values_of(fields.days_before_last)) {
    parts.push_back(before == 0   ? "the last day"
                    : before == 1 ? "the last day but one"
                                  : fmt::format("the day {} days before the last", before));
  }
  if (fields.last_weekday) parts.emplace_back("the last day from Monday to Friday");
  return "on " + joined(parts) + " of the month";
}

std::string describe_weekdays(const Fields& fields, std::string_view conjunction = " and ") {
  std::vector<std::string> parts;
  for (std::size_t n = 0; n < fields.nth_weekdays.size(); ++n) {
    if (fields.nth_weekdays.at(n) == 0) continue;
    parts.push_back(fmt::format("the {} {}", kOrdinals.at(n),
                                list_of(fields.nth_weekdays.at(n), weekday_name, conjunction)));
  }
  if (fields.last_weekdays != 0)
    parts.push_back("the last " + list_of(fields.last_weekdays, weekday_name, conjunction));
  std::string of_the_month = parts.empty() ? "" : joined(parts, conjunction) + " of the month";
  if (fields.weekdays == 0) return of_the_month;
  // The week begins on Monday, so that "Saturday and Sunday" stand together.
  const std::uint64_t from_monday = (fields.weekdays & ~std::uint64_t{1}) | (fields.weekdays & 1U) << 7U;
  const std::string plain = list_of(from_monday, weekday_name, conjunction);
  return of_the_month.empty() ? plain : plain + std::string(conjunction) + of_the_month;
}

/// Empty if it is every day.
std::string describe_dates(const Fields& fields) {
  const bool every_day = fields.days == kEveryDay;
  const bool every_weekday = fields.weekdays == kEveryWeekday;
  const bool both = fields.day_is_open || fields.weekday_is_open;
  if (both ? every_day && every_weekday : every_day || every_weekday) return "";
  if (every_day) return describe_weekdays(fields);
  if (every_weekday) return describe_days(fields);
  return both ? describe_days(fields) + ", if it is " + describe_weekdays(fields, " or ")
              : describe_days(fields) + ", and also " + describe_weekdays(fields);
}

std::string describe_months(const Fields& fields) {
  if (fields.months == kEveryMonth) return "";
  return "in " + list_of(fields.months, [](unsigned n) { return std::string(kMonths.at(n - 1)); });
}

}  // namespace

std::string describe_fields(const Fields& fields) {
  std::string text = describe_time(fields);
  const std::string dates = describe_dates(fields);
  const std::string months = describe_months(fields);
  if (!dates.empty()) text += ", " + dates;
  if (!months.empty()) text += ", " + months;
  if (dates.empty() && months.empty() && text.starts_with("at ") && !text.ends_with(" of every hour") &&
      !text.ends_with(" of every minute")) {
    text += ", every day";
  }
  return text;
}

}  // namespace nodepool::cron
